package dev.heddle.protocol;

import dev.heddle.protocol.Field.Group;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * A JSON-RPC response with a result that comes in pieces, cut anywhere, and goes out with another
 * id as it comes. Checks what {@link Envelope} checks, but for what nobody reads in a response;
 * what has gone out before a fault was found has gone out. Confined to one thread.
 */
public final class ResponseSplicer {
    private static final int MAX_KEPT = 4096;

    private final long expected;
    private final Json id;
    private final ByteOutput out;
    private final JsonStepper stepper = new JsonStepper(new Members());
    private final ByteArrayOutputStream kept = new ByteArrayOutputStream(); // of a key or a value
    private byte[] piece = {};
    private int keptFrom; // in the piece, if something is being kept; else -1
    private int outFrom; // in the piece, if it goes out; else -1
    private @Nullable Field field; // whose value comes
    private int seen;
    private int variants;

    /**
     * @param expected the id that the response must have
     * @param id what it goes out with
     */
    public ResponseSplicer(long expected, Json id, ByteOutput out) {
        this.expected = expected;
        this.id = id;
        this.out = out;
        this.keptFrom = -1;
    }

    /**
     * Whether {@code beginning} is that of a response with a result and the id {@code expected}, as
     * far as can be told by it.
     */
    public static boolean isResult(byte[] beginning, long expected) {
        var splicer = new ResponseSplicer(expected, Json.NULL, (_, _, _) -> {});
        try {
            splicer.feed(beginning, 0, beginning.length);
        } catch (Malformed notOne) {
            return false;
        }
        return splicer.has(Field.RESULT);
    }

    private boolean has(Field wanted) {
        return (seen & wanted.bit()) != 0;
    }

    /**
     * Takes the bytes in {@code [from, to)}, and hands on what can go out by now.
     *
     * @throws Malformed if this is not such a response
     */
    public void feed(byte[] bytes, int from, int to) {
        piece = bytes;
        keptFrom = keptFrom < 0 ? -1 : from;
        outFrom = outFrom < 0 ? -1 : from;
        try {
            stepper.step(bytes, from, to);
        } catch (MalformedJson e) {
            throw refused(e.getMessage());
        }
        if (keptFrom >= 0) {
            keep(to);
            keptFrom = to;
        }
        if (outFrom >= 0) {
            handOn(to);
        }
    }

    /**
     * There is no more.
     *
     * @throws Malformed if something is missing
     */
    public void end() {
        if (!stepper.isOver()) {
            throw refused("the end of the text within a JSON object");
        }
        for (var needed : new Field[] {Field.JSONRPC, Field.ID, Field.RESULT}) {
            if (!has(needed)) {
                throw refused("a response without \"" + needed.key() + "\"");
            }
        }
    }

    private static Malformed refused(String found) {
        return new Malformed(ErrorCode.INVALID_REQUEST, "Invalid Request: " + found, Json.NULL);
    }

    private void handOn(int to) {
        if (to > outFrom) {
            out.write(piece, outFrom, to - outFrom);
        }
        outFrom = to;
    }

    private void keep(int to) {
        if (kept.size() + to - keptFrom > MAX_KEPT) {
            throw refused("more than " + MAX_KEPT + " bytes (expected: a key, an id or \"2.0\")");
        }
        kept.write(piece, keptFrom, to - keptFrom);
    }

    private byte[] endKeeping(int to) {
        keep(to);
        var all = kept.toByteArray();
        kept.reset();
        keptFrom = -1;
        return all;
    }

    private final class Members implements JsonStepper.Members {
        @Override
        public void keyBegins(int at) {
            keptFrom = at;
        }

        @Override
        public void keyEnds(int at) {
            var token = endKeeping(at);
            var key = JsonScanner.decode(token, 0, token.length).getBytes(StandardCharsets.UTF_8);
            field = Group.TOP.find(key, 0, key.length);
            var variant = field == null ? Group.TOP.findVariant(key, 0, key.length) : null;
            variants |= variant == null ? 0 : variant.bit();
            seen(field);
        }

        private void seen(@Nullable Field known) {
            if (known != null && has(known)) {
                throw refused("the key \"" + known.key() + "\" twice (expected: once)");
            }
            seen |= known == null ? 0 : known.bit();
            if ((seen & variants) != 0) {
                throw refused("a key twice, in two spellings (expected: once)");
            }
            if (known == Field.ERROR || known == Field.METHOD) {
                throw refused("\"" + known.key() + "\" beside a result (expected: one of them)");
            }
        }

        @Override
        public void valueBegins(int at) {
            if (field == Field.ID || field == Field.JSONRPC) {
                keptFrom = at;
            }
            if (field == Field.ID) {
                handOn(at);
                outFrom = -1;
            }
        }

        @Override
        public void valueEnds(int at) {
            if (field == Field.ID) {
                requireId(endKeeping(at));
                id.writeTo(out);
                outFrom = at;
            } else if (field == Field.JSONRPC) {
                requireVersion(endKeeping(at));
            }
        }
    }

    private void requireId(byte[] token) {
        var found = Json.parse(token);
        if (found.integer().orElse(-1) != expected) {
            throw refused(found + " as id (expected: " + expected + ")");
        }
    }

    private static void requireVersion(byte[] token) {
        var found = Json.parse(token);
        if (!found.isString() || !found.text().equals("2.0")) {
            throw refused("\"jsonrpc\": " + found + " (expected: \"2.0\")");
        }
    }
}
