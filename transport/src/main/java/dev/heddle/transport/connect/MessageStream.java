package dev.heddle.transport.connect;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Malformed;
import dev.heddle.transport.net.SseParser;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponse;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * The messages in one HTTP answer of a backend, be it one JSON text or a stream of events. Confined
 * to one event loop.
 */
final class MessageStream implements HttpCall {
    /** The most bytes that one message of a backend may have. */
    static final int MAX_MESSAGE = 100 * 1024 * 1024;

    private static final int MAX_ERROR_BODY = 64 * 1024;

    /** Takes the messages of an answer, and its end. */
    interface Receiver {
        /** The head of an answer with status 2xx. */
        void accepted(HttpResponse head);

        void message(Envelope message);

        /** The stream names its position. */
        default void position(String eventId) {}

        /** How long to wait before connecting anew. */
        default void retry(long millis) {}

        /** An event that is no message. */
        default void event(String type, String data) {}

        /** The answer is complete. */
        void complete();

        /** The answer is a refusal, with up to 64 KiB of what it says. */
        void refused(HttpResponse head, String body);

        /** There is no answer, or no more of it. */
        void broken(Throwable why, boolean mayHaveArrived);

        /** The answer holds something that is not MCP. */
        void garbage(String what);
    }

    private enum Form {
        NONE,
        JSON,
        EVENTS,
        REFUSAL
    }

    private final Receiver receiver;
    private final ByteArrayOutputStream body = new ByteArrayOutputStream(0);
    private final SseParser events;
    private @Nullable HttpResponse head;
    private Form form = Form.NONE;

    MessageStream(Receiver receiver) {
        this.receiver = receiver;
        this.events = new SseParser(MAX_MESSAGE, new Events());
    }

    @Override
    public void response(HttpResponse answer) {
        head = answer;
        int status = answer.status().code();
        if (status < 200 || status >= 300) {
            form = Form.REFUSAL;
            return;
        }
        if (isEventStream(answer)) {
            form = Form.EVENTS;
        } else if (hasType(answer, "application/json")) {
            form = Form.JSON;
        }
        receiver.accepted(answer);
    }

    static boolean isEventStream(HttpResponse answer) {
        return hasType(answer, "text/event-stream");
    }

    private static boolean hasType(HttpResponse answer, String type) {
        return answer.headers()
                .get(HttpHeaderNames.CONTENT_TYPE, "")
                .toLowerCase(Locale.ROOT)
                .startsWith(type);
    }

    @Override
    public void content(ByteBuf piece) {
        switch (form) {
            case EVENTS -> feed(piece);
            case JSON -> collect(piece, MAX_MESSAGE);
            case REFUSAL -> collect(piece, MAX_ERROR_BODY);
            case NONE -> {}
        }
    }

    private void feed(ByteBuf piece) {
        try {
            events.feed(piece);
        } catch (IllegalStateException tooLarge) {
            receiver.garbage(
                    tooLarge.getMessage() == null ? "too large an event" : tooLarge.getMessage());
        }
    }

    private void collect(ByteBuf piece, int limit) {
        int length = piece.readableBytes();
        if (body.size() + length <= limit) {
            var bytes = new byte[length];
            piece.readBytes(bytes);
            body.writeBytes(bytes);
        } else if (form == Form.JSON) {
            form = Form.NONE;
            receiver.garbage("an answer of more than " + limit + " bytes");
        }
    }

    @Override
    public void ended() {
        var answer = head;
        if (form == Form.REFUSAL && answer != null) {
            receiver.refused(answer, body.toString(StandardCharsets.UTF_8));
            return;
        }
        if (form == Form.JSON && body.size() > 0) {
            parse(body.toByteArray());
        }
        receiver.complete();
    }

    @Override
    public void failed(Throwable why, boolean mayHaveArrived) {
        receiver.broken(why, mayHaveArrived);
    }

    private void parse(byte[] bytes) {
        Envelope message;
        try {
            message = Envelope.parse(bytes);
        } catch (Malformed e) {
            receiver.garbage("something that is no JSON-RPC message (" + e.getMessage() + ")");
            return;
        }
        receiver.message(message);
    }

    private final class Events implements SseParser.Listener {
        @Override
        public void event(String type, byte[] data) {
            if (!type.equals("message")) {
                receiver.event(type, new String(data, StandardCharsets.UTF_8));
            } else if (data.length > 0) {
                parse(data);
            }
        }

        @Override
        public void id(String id) {
            receiver.position(id);
        }

        @Override
        public void retry(long millis) {
            receiver.retry(millis);
        }
    }

    /** What {@code what} means as a failure of {@code backend}. */
    static Fault.BackendFailed asFault(String backend, String what) {
        return new Fault.BackendFailed(
                backend, Fault.BackendFailed.Reason.GARBAGE, "sent " + what, true);
    }
}
