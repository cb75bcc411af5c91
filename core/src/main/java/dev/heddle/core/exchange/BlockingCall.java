package dev.heddle.core.exchange;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The sink of a thread that waits for the reply. It drops notifications and refuses questions.
 * Thread-safe.
 */
public final class BlockingCall implements Sink {
    private final CompletableFuture<Reply> reply = new CompletableFuture<>();

    @Override
    public void notification(Spliced message) {}

    @Override
    public boolean question(Question question) {
        question.refuse("the caller cannot be asked");
        return true;
    }

    @Override
    public void reply(Reply ending) {
        reply.complete(ending);
    }

    /**
     * Waits for the reply, or until {@code patience} is over.
     *
     * @return the result, or empty if there was no reply in time
     * @throws Fault the failure that ended the exchange, or {@link Fault.ErrorReply}
     */
    public Optional<Json> await(Duration patience) {
        NonBlocking.requireMayBlock();
        try {
            return Optional.of(result(reply.get(patience.toNanos(), TimeUnit.NANOSECONDS)));
        } catch (TimeoutException late) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a reply cannot fail to be one", e);
        }
    }

    /**
     * Waits for the reply of {@code running} for as long as it takes. A thread that is interrupted
     * cancels it.
     *
     * @throws Fault the failure that ended the exchange, or {@link Fault.ErrorReply}
     */
    public Json await(Running running) {
        NonBlocking.requireMayBlock();
        try {
            return result(reply.get());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            running.cancel();
            throw new Fault.Cancelled();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a reply cannot fail to be one", e);
        }
    }

    private static Json result(Reply ending) {
        return switch (ending) {
            case Reply.Failed(var fault) -> throw fault;
            case Reply.Response(var message) -> result(Envelope.parse(message.bytes()));
            case Reply.Flowing _ ->
                    throw new IllegalStateException("a reply in parts, which was not asked for");
        };
    }

    private static Json result(Envelope response) {
        response.error()
                .ifPresent(
                        error -> {
                            throw new Fault.ErrorReply(error);
                        });
        return response.result().orElseThrow();
    }
}
