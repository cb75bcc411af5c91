package dev.heddle.transport.serve;

import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;

import io.netty.handler.codec.http.HttpRequest;

import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;

/**
 * Hands requests to other processes of this gateway, whole, and what they answer to the client as
 * it comes. Never blocks; thread-safe.
 */
final class Forwarder implements AutoCloseable {
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

    private final PeerProof proof;
    private final HttpClient client =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(CONNECTING)
                    .executor(Executors.newVirtualThreadPerTaskExecutor())
                    .build();

    Forwarder(PeerProof proof) {
        this.proof = proof;
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
        var method = head.method().name();
        var request =
                java.net.http.HttpRequest.newBuilder(
                                URI.create("http://" + peer.substring(between + 1) + "/"))
                        .method(method, BodyPublishers.ofByteArray(body))
                        .setHeader(Peers.PROOF_HEADER, proof.of(node, method, body));
        for (var header : head.headers()) {
            if (!OF_THE_HOP.contains(header.getKey().toLowerCase(Locale.ROOT))) {
                request.header(header.getKey(), header.getValue());
            }
        }
        client.sendAsync(request.build(), BodyHandlers.ofPublisher())
                .whenComplete(
                        (answer, failed) -> {
                            if (failed == null && answer.statusCode() != 403) {
                                relay(answer, reply);
                            } else if (failed == null) {
                                answer.body().subscribe(BodySubscribers.discarding());
                                unreachable.run(); // there is another process now
                            } else if (isUnreachable(failed)) {
                                unreachable.run();
                            } else {
                                reply.error(502, lost(id));
                            }
                        });
    }

    private static boolean isUnreachable(Throwable failed) {
        var cause = failed instanceof CompletionException ? failed.getCause() : failed;
        return cause instanceof ConnectException;
    }

    private static Envelope lost(Json id) {
        return JsonRpc.error(
                id,
                ErrorCode.INTERNAL_ERROR,
                "the gateway's process that carried out the request has ended; the request may have"
                        + " been carried out",
                Json.object(data -> data.put("mayHaveRun", true)));
    }

    private static void relay(
            HttpResponse<Flow.Publisher<List<ByteBuffer>>> answer, HttpReply reply) {
        var type = answer.headers().firstValue("content-type").orElse("");
        for (var name : OF_THE_ANSWER) {
            answer.headers().firstValue(name).ifPresent(value -> reply.lateHeader(name, value));
        }
        if (type.isEmpty()) {
            reply.empty(answer.statusCode());
        } else {
            reply.beginRelayed(answer.statusCode(), type);
        }
        answer.body().subscribe(new Body(reply));
    }

    /** Passes on what comes, as fast as the client takes it. */
    private static final class Body implements Flow.Subscriber<List<ByteBuffer>> {
        private final HttpReply reply;
        private volatile Runnable wanted = () -> {};

        Body(HttpReply reply) {
            this.reply = reply;
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            reply.whenOver(subscription::cancel);
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
