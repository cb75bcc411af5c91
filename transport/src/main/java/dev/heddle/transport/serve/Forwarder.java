package dev.heddle.transport.serve;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;

import io.netty.handler.codec.http.HttpRequest;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/**
 * Hands requests to other processes of this gateway, whole, and what they answer to the client as
 * it comes. Never blocks; thread-safe.
 */
final class Forwarder implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Forwarder.class);
    private static final Duration CONNECTING = Duration.ofSeconds(5);

    /** What is between two hops only. */
    private static final Set<String> OF_THE_HOP =
            Set.of(
                    "connection",
                    "content-length",
                    "expect",
                    "host",
                    "http2-settings",
                    "keep-alive",
                    "proxy-authorization",
                    "te",
                    "trailer",
                    "transfer-encoding",
                    "upgrade",
                    Peers.PROOF_HEADER.toLowerCase(Locale.ROOT));

    private static final List<String> OF_THE_ANSWER =
            List.of("mcp-session-id", "retry-after", "www-authenticate", "allow");

    /** How often it is looked whether the process is there to which a request has been handed. */
    private static final Duration LOOK = Duration.ofSeconds(2);

    private final PeerProof proof;
    private final Predicate<String> alive;
    private final Alarms alarms;
    private final Map<HttpReply, CompletableFuture<Void>> open = new ConcurrentHashMap<>();
    private final HttpClient client =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(CONNECTING)
                    .executor(Executors.newVirtualThreadPerTaskExecutor())
                    .build();

    /**
     * @param alive whether the process of that name is there, as far as is known
     */
    Forwarder(PeerProof proof, Predicate<String> alive, Alarms alarms) {
        this.proof = proof;
        this.alive = alive;
        this.alarms = alarms;
    }

    /**
     * Hands a request to another process.
     *
     * @param peer its name and address, as {@link dev.heddle.core.session.MultiSession#home} says
     * @param id of the request, for when there is no answer
     * @param unreachable run if the request has certainly not reached it
     */
    void forward(
            String peer,
            HttpRequest head,
            byte[] body,
            Json id,
            HttpReply reply,
            Runnable unreachable) {
        int between = peer.indexOf(' ');
        var node = peer.substring(0, between);
        var request = request(node, peer.substring(between + 1), head, body);
        var over = new CompletableFuture<Void>();
        open.put(reply, over);
        reply.whenOver(() -> over.complete(null));
        var sent = client.sendAsync(request, BodyHandlers.ofPublisher());
        var taker = new Body(reply);
        Runnable notThere =
                () -> {
                    over.complete(null); // from now on it is not that process's
                    unreachable.run();
                };
        over.thenRun(
                () -> {
                    open.remove(reply);
                    sent.cancel(true); // a client that has left
                });
        watch(
                node,
                over,
                () -> {
                    if (!sent.cancel(true)) {
                        taker.breakOff();
                    }
                });
        sent.whenComplete(
                (answer, failed) -> {
                    if (failed == null && answer.statusCode() != 403) {
                        relay(answer, taker, reply);
                    } else if (failed == null) {
                        answer.body().subscribe(BodySubscribers.discarding());
                        refused(node, id, reply, notThere);
                    } else {
                        failed(failed, id, reply, notThere);
                    }
                });
    }

    private java.net.http.HttpRequest request(
            String node, String address, HttpRequest head, byte[] body) {
        var request =
                java.net.http.HttpRequest.newBuilder(
                                URI.create("http://" + address + SseFront.target(head).orElse("/")))
                        .method(head.method().name(), BodyPublishers.ofByteArray(body))
                        .setHeader(Peers.PROOF_HEADER, proof.of(node, head, body));
        for (var header : head.headers()) {
            if (!OF_THE_HOP.contains(header.getKey().toLowerCase(Locale.ROOT))) {
                request.header(header.getKey(), header.getValue());
            }
        }
        return request.build();
    }

    /** There is another process by now, unless the two only do not know each other yet. */
    private void refused(String node, Json id, HttpReply reply, Runnable notThere) {
        if (alive.test(node)) {
            reply.fault(id, new Fault.SessionMoved());
        } else {
            notThere.run();
        }
    }

    private static void failed(Throwable failed, Json id, HttpReply reply, Runnable unreachable) {
        var cause = failed instanceof CompletionException ? failed.getCause() : failed;
        if (cause instanceof ConnectException) {
            unreachable.run();
        } else if (cause instanceof HttpConnectTimeoutException) {
            reply.fault(id, new Fault.SessionMoved()); // the process may be there all the same
        } else {
            reply.error(502, lost(id));
        }
    }

    /** A process that has gone without a word would be waited for without an end. */
    private void watch(String node, CompletableFuture<Void> over, Runnable giveUp) {
        alarms.after(
                LOOK,
                () -> {
                    if (over.isDone()) {
                        return;
                    } else if (alive.test(node)) {
                        watch(node, over, giveUp);
                    } else {
                        giveUp.run();
                    }
                });
    }

    /** Waits until what has been handed on is answered, at most for {@code patience}. */
    void finish(Duration patience) {
        try {
            CompletableFuture.allOf(open.values().toArray(CompletableFuture[]::new))
                    .get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException late) {
            log.warn("{} requests are at other processes still", open.size());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What is said of a request of which nothing more can be known. */
    static Envelope lost(Json id) {
        return JsonRpc.error(
                id,
                ErrorCode.INTERNAL_ERROR,
                "the gateway's process that carried out the request has ended; the request may have"
                        + " been carried out",
                Json.object(data -> data.put("mayHaveRun", true)));
    }

    private static void relay(
            HttpResponse<Flow.Publisher<List<ByteBuffer>>> answer, Body body, HttpReply reply) {
        var type = answer.headers().firstValue("content-type").orElse("");
        for (var name : OF_THE_ANSWER) {
            answer.headers().firstValue(name).ifPresent(value -> reply.lateHeader(name, value));
        }
        if (type.isEmpty()) {
            reply.empty(answer.statusCode());
        } else {
            reply.beginRelayed(answer.statusCode(), type);
        }
        answer.body().subscribe(body);
    }

    /** Passes on what comes, as fast as the client takes it. */
    private static final class Body implements Flow.Subscriber<List<ByteBuffer>> {
        private final HttpReply reply;
        private volatile Runnable wanted = () -> {};
        private volatile Runnable cancelled = () -> {};

        Body(HttpReply reply) {
            this.reply = reply;
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            reply.whenOver(subscription::cancel);
            cancelled = subscription::cancel;
            wanted = () -> subscription.request(1);
            subscription.request(1);
        }

        @Override
        public void onNext(List<ByteBuffer> buffers) {
            for (var buffer : buffers) {
                var bytes = new byte[buffer.remaining()];
                buffer.get(bytes);
                reply.part(bytes, 0, bytes.length);
            }
            reply.whenWritable(wanted);
        }

        void breakOff() {
            cancelled.run();
            reply.breakOff();
        }

        @Override
        public void onError(Throwable broken) {
            reply.breakOff();
        }

        @Override
        public void onComplete() {
            reply.endParts();
        }
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
