package dev.heddle.transport.connect;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Malformed;
import dev.heddle.transport.net.GrowingBytes;
import dev.heddle.transport.net.SseParser;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;

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
        void accepted(ResponseHead head);

        void message(Envelope message);

        /**
         * The answer is one message, too large to be held, that begins with {@code beginning}.
         * Returns who takes it in parts, or null if nobody does; then it is asked again when there
         * is twice as much.
         */
        default @Nullable FlowingAnswer flow(byte[] beginning) {
            return null;
        }

        /** What came in parts is complete. */
        default void flowed() {}

        /** The stream names its position. */
        default void position(String eventId) {}

        /** How long to wait before connecting anew. */
        default void retry(long millis) {}

        /** An event that is no message. */
        default void event(String type, String data) {}

        /** Whether what comes can be handed on as fast as it comes. */
        default boolean isReady() {
            return true;
        }

        /**
         * Runs {@code task} once, on any thread, when {@link #isReady} or when it is not needed.
         */
        default void whenReady(Runnable task) {
            task.run();
        }

        /** The answer is complete. */
        void complete();

        /** The answer is a refusal, with up to 64 KiB of what it says. */
        void refused(ResponseHead head, String body);

        /** There is no answer, or no more of it. */
        void broken(Throwable why, boolean mayHaveArrived);

        /** The answer holds something that is not MCP. */
        void garbage(String what);
    }

    /** What the answer is. */
    private sealed interface Form {
        /** Not known yet, or nothing that is read. */
        record None() implements Form {}

        record Json(GrowingBytes body) implements Form {}

        record Flow(FlowingAnswer answer) implements Form {}

        record Events(SseParser parser) implements Form {}

        record Refusal(ResponseHead head, GrowingBytes body) implements Form {}
    }

    private static final int TRUSTED_LENGTH = SseParser.FLOW_FROM + 64 * 1024;

    private final Receiver receiver;
    private Form form = new Form.None();
    private @Nullable FlowingAnswer flow;
    private int flowFrom = SseParser.FLOW_FROM;

    MessageStream(Receiver receiver) {
        this.receiver = receiver;
    }

    @Override
    public void response(ResponseHead answer) {
        if (!answer.isSuccess()) {
            form = new Form.Refusal(answer, new GrowingBytes());
            return;
        }
        form =
                switch (answer.content()) {
                    case JSON -> new Form.Json(bodyOf(answer.length()));
                    case EVENTS -> new Form.Events(new SseParser(MAX_MESSAGE, new Events()));
                    case OTHER -> new Form.None();
                };
        receiver.accepted(answer);
    }

    private static GrowingBytes bodyOf(long length) {
        var body = new GrowingBytes();
        if (length > 0) {
            body.expect((int) Math.min(length, TRUSTED_LENGTH));
        }
        return body;
    }

    @Override
    public void content(byte[] bytes, int offset, int count) {
        switch (form) {
            case Form.Events(var parser) -> feed(parser, bytes, offset, count);
            case Form.Json(var body) -> collect(body, bytes, offset, count);
            case Form.Flow(var answer) -> answer.part(bytes, offset, offset + count);
            case Form.Refusal(_, var body) -> {
                if (body.length() + count <= MAX_ERROR_BODY) {
                    body.append(bytes, offset, offset + count);
                }
            }
            case Form.None _ -> {}
        }
    }

    private void collect(GrowingBytes body, byte[] bytes, int offset, int count) {
        if (body.length() + count > MAX_MESSAGE) {
            form = new Form.None();
            receiver.garbage("an answer of more than " + MAX_MESSAGE + " bytes");
            return;
        }
        body.append(bytes, offset, offset + count);
        if (body.length() > flowFrom) {
            flowFrom = 2 * body.length();
            flowIfWanted(body);
        }
    }

    private void flowIfWanted(GrowingBytes body) {
        var beginning = body.take();
        flow = receiver.flow(beginning);
        if (flow == null) {
            body.append(beginning, 0, beginning.length);
        } else {
            form = new Form.Flow(flow);
        }
    }

    private FlowingAnswer requireFlow() {
        if (flow == null) {
            throw new IllegalStateException("a part of no message");
        }
        return flow;
    }

    @Override
    public boolean isReady() {
        return receiver.isReady();
    }

    @Override
    public void whenReady(Runnable task) {
        receiver.whenReady(task);
    }

    private void feed(SseParser parser, byte[] bytes, int offset, int count) {
        try {
            parser.feed(bytes, offset, count);
        } catch (IllegalStateException tooLarge) {
            receiver.garbage(
                    tooLarge.getMessage() == null ? "too large an event" : tooLarge.getMessage());
        }
    }

    @Override
    public void ended() {
        switch (form) {
            case Form.Refusal(var head, var body) -> {
                receiver.refused(head, new String(body.take(), StandardCharsets.UTF_8));
                return;
            }
            case Form.Json(var body) -> {
                if (body.length() > 0) {
                    parse(body.take());
                }
            }
            case Form.Flow(var answer) -> answer.end();
            case Form.Events _, Form.None _ -> {
                if (flow != null) {
                    flow.broken(); // unless its event has ended
                }
            }
        }
        receiver.complete();
    }

    @Override
    public void failed(Throwable why, boolean mayHaveArrived) {
        if (flow != null) {
            flow.broken();
        }
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
        public boolean flow(byte[] beginning) {
            flow = receiver.flow(beginning);
            return flow != null;
        }

        @Override
        public void part(byte[] bytes, int from, int to) {
            requireFlow().part(bytes, from, to);
        }

        @Override
        public void endOfFlow() {
            requireFlow().end();
            receiver.flowed();
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
