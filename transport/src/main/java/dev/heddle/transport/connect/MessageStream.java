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
         * Returns who takes it in parts, or null if nobody does.
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

    private enum Form {
        NONE,
        JSON,
        FLOW,
        EVENTS,
        REFUSAL
    }

    private static final int TRUSTED_LENGTH = SseParser.FLOW_FROM + 64 * 1024;

    private final Receiver receiver;
    private final GrowingBytes body = new GrowingBytes();
    private @Nullable SseParser events;
    private @Nullable ResponseHead head;
    private Form form = Form.NONE;
    private @Nullable FlowingAnswer flow;
    private boolean mayFlow = true;

    MessageStream(Receiver receiver) {
        this.receiver = receiver;
    }

    @Override
    public void response(ResponseHead answer) {
        head = answer;
        if (!answer.isSuccess()) {
            form = Form.REFUSAL;
            return;
        }
        form =
                switch (answer.content()) {
                    case JSON -> Form.JSON;
                    case EVENTS -> Form.EVENTS;
                    case OTHER -> Form.NONE;
                };
        if (form == Form.EVENTS) {
            events = new SseParser(MAX_MESSAGE, new Events());
        } else if (form == Form.JSON && answer.length() > 0) {
            body.expect((int) Math.min(answer.length(), TRUSTED_LENGTH));
        }
        receiver.accepted(answer);
    }

    @Override
    public void content(byte[] bytes, int offset, int count) {
        switch (form) {
            case EVENTS -> feed(bytes, offset, count);
            case JSON -> {
                collect(bytes, offset, count, MAX_MESSAGE);
                flowIfLarge();
            }
            case FLOW -> requireFlow().part(bytes, offset, offset + count);
            case REFUSAL -> collect(bytes, offset, count, MAX_ERROR_BODY);
            case NONE -> {}
        }
    }

    private void flowIfLarge() {
        if (mayFlow && body.length() > SseParser.FLOW_FROM) {
            mayFlow = false;
            var beginning = body.take();
            flow = receiver.flow(beginning);
            if (flow == null) {
                body.append(beginning, 0, beginning.length);
            } else {
                form = Form.FLOW;
            }
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

    private void feed(byte[] bytes, int offset, int count) {
        var parser = events;
        try {
            if (parser != null) {
                parser.feed(bytes, offset, count);
            }
        } catch (IllegalStateException tooLarge) {
            receiver.garbage(
                    tooLarge.getMessage() == null ? "too large an event" : tooLarge.getMessage());
        }
    }

    private void collect(byte[] bytes, int offset, int count, int limit) {
        if (body.length() + count <= limit) {
            body.append(bytes, offset, offset + count);
        } else if (form == Form.JSON) {
            form = Form.NONE;
            receiver.garbage("an answer of more than " + limit + " bytes");
        }
    }

    @Override
    public void ended() {
        var answer = head;
        if (form == Form.REFUSAL && answer != null) {
            receiver.refused(answer, new String(body.take(), StandardCharsets.UTF_8));
            return;
        }
        if (form == Form.JSON && body.length() > 0) {
            parse(body.take());
        } else if (form == Form.FLOW) {
            requireFlow().end();
        } else if (flow != null) {
            flow.broken(); // unless its event has ended
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
