package dev.heddle.redis;

import dev.heddle.core.fault.Fault;

import io.lettuce.core.RedisException;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/**
 * The store, as far as it can be asked. It need not be there at the beginning, nor all the time.
 * Thread-safe; blocks, no longer than an answer may take.
 */
final class Redis implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Redis.class);
    private static final int TRIES = 10;
    private static final Duration AGAIN = Duration.ofMillis(500);

    /** What the driver's own limit on an answer is given to strike first. */
    private static final Duration MORE = Duration.ofSeconds(1);

    private final Link.Source source;
    private final Link.Hearer hearer;
    private final String channel;
    private final Duration patience;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile @Nullable Link link;

    /**
     * Connects, or goes on trying to.
     *
     * @param hearer told what comes on {@code channel}, and when that is heard again
     */
    Redis(RedisOptions options, Link.Hearer hearer, String channel) {
        this.source = Link.source(options);
        this.patience = options.answering().plus(MORE);
        this.hearer = hearer;
        this.channel = channel;
        var why = connect();
        if (why.isPresent()) {
            log.warn("the store of sessions is not there: {}", why.get());
            connectSoon();
        }
    }

    /** Makes a link, which then comes back by itself. Returns why there is none. */
    private Optional<String> connect() {
        try {
            link = source.open(hearer, channel);
            return Optional.empty();
        } catch (RedisException away) {
            return Optional.of(reason(away));
        }
    }

    private void tryAgain() {
        try {
            while (!closed.await(AGAIN.toMillis(), TimeUnit.MILLISECONDS)
                    && connect().isPresent()) {
                log.debug("the store of sessions is not there yet");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Gives up connections on which nothing comes any more, and makes others. */
    void renew() {
        var silent = link;
        if (silent != null) {
            link = null;
            silent.close();
            connectSoon();
        }
    }

    private void connectSoon() {
        Thread.ofVirtual().name("heddle-redis").start(this::tryAgain);
    }

    /** Carries out a script on one key. */
    <T extends @Nullable Object> T run(Script<T> script, String key, String... arguments) {
        return ask(all -> script.send(all, key, arguments));
    }

    /** Carries out a command. */
    <T extends @Nullable Object> T ask(
            Function<RedisClusterAsyncCommands<String, String>, ? extends CompletionStage<T>>
                    command) {
        try {
            return await(command.apply(ask()));
        } catch (RedisException failed) {
            throw unavailable(failed);
        }
    }

    /** Runs {@code task} until the store does not fail it, a few times. */
    void insist(Runnable task) {
        try {
            for (int i = 0; i < TRIES; i++) {
                try {
                    task.run();
                    return;
                } catch (Fault.StorageUnavailable away) {
                    log.debug("not done yet: {}", away.getMessage());
                }
                if (closed.await(AGAIN.toMillis(), TimeUnit.MILLISECONDS)) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** For those who do not wait for an answer, or for many at once. */
    RedisClusterAsyncCommands<String, String> ask() {
        var now = link;
        if (now == null) {
            throw new Fault.StorageUnavailable("the store of sessions is not there");
        }
        return now.commands();
    }

    /** Waits for an answer. */
    <T extends @Nullable Object> T await(CompletionStage<T> answer) {
        try {
            return answer.toCompletableFuture().get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RedisException failed) {
                throw failed;
            }
            throw new RedisException(e.getCause()); // such as a connection that was reset
        } catch (CancellationException e) {
            throw new RedisException(e); // such as a node that has left its cluster
        } catch (TimeoutException e) {
            throw new Fault.StorageUnavailable("the store of sessions did not answer in time");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Fault.StorageUnavailable("interrupted");
        }
    }

    private static Fault.StorageUnavailable unavailable(RedisException failed) {
        return new Fault.StorageUnavailable("the store of sessions: " + reason(failed));
    }

    private static String reason(Throwable failed) {
        var cause = failed;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage() == null ? cause.toString() : cause.getMessage();
    }

    @Override
    public void close() {
        closed.countDown();
        var now = link;
        if (now != null) {
            now.close();
        }
        source.close();
    }
}
