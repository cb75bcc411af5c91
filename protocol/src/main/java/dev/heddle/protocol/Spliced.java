package dev.heddle.protocol;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * An envelope with a few of its values replaced and every other byte as it was.
 *
 * <p>Immutable: each replacement gives a new value. A replacement of a value that the envelope does
 * not have is no change, so that nothing is ever invented. Safe for concurrent use.
 */
public final class Spliced {
    private static final Edit[] NONE = {};
    private static final Json NOTHING = Json.scanned(new byte[0], 0, 0);

    private record Edit(int start, int end, Json replacement) {}

    private final Envelope envelope;
    private final Edit[] edits;

    private Spliced(Envelope envelope, Edit[] edits) {
        this.envelope = envelope;
        this.edits = edits;
    }

    /** The envelope as it is. */
    public static Spliced of(Envelope envelope) {
        return new Spliced(envelope, NONE);
    }

    public Spliced id(Json id) {
        return replace(Field.ID, id);
    }

    public Spliced name(String name) {
        return replace(Field.NAME, Json.of(name));
    }

    /** Replaces {@code params._meta.progressToken} of a request. */
    public Spliced progressToken(Json token) {
        return replace(Field.TOKEN, token);
    }

    /** Replaces {@code params.progressToken} of a progress notification. */
    public Spliced progress(Json token) {
        return replace(Field.PROGRESS, token);
    }

    /** Replaces {@code params.requestId} of a cancellation. */
    public Spliced requestId(Json id) {
        return replace(Field.REQUEST_ID, id);
    }

    /** Replaces {@code params.ref} of a completion. */
    public Spliced ref(Json ref) {
        return replace(Field.REF, ref);
    }

    /**
     * Leaves out the values of {@code params._meta} that were meant for the last hop only (MCP
     * 2026-07-28, Per-request metadata).
     */
    public Spliced withoutHop() {
        if (!envelope.has(Field.VERSION)) {
            return this;
        }
        int end = envelope.end(Field.META);
        var walk = new JsonMembers(envelope.bytes(), envelope.start(Field.META), end);
        var left = this;
        int keptEnd = -1; // of the last member that stays
        int from = -1; // where those begin that go
        int last = -1;
        while (walk.next()) {
            if (!MetaKey.isOfHop(walk.key())) {
                left = from < 0 ? left : left.edit(new Edit(from, walk.keyStart(), NOTHING));
                from = -1;
                keptEnd = walk.valueEnd();
            } else if (from < 0) {
                from = walk.keyStart();
            }
            last = walk.valueEnd();
        }
        return from < 0 ? left : left.edit(new Edit(keptEnd < 0 ? from : keptEnd, last, NOTHING));
    }

    private Spliced replace(Field field, Json value) {
        return envelope.has(field)
                ? edit(new Edit(envelope.start(field), envelope.end(field), value))
                : this;
    }

    private Spliced edit(Edit edit) {
        int at = 0;
        while (at < edits.length && edits[at].start < edit.start) {
            at++;
        }
        if (at < edits.length && edits[at].start == edit.start) {
            var changed = edits.clone();
            changed[at] = edit;
            return new Spliced(envelope, changed);
        }
        var more = new Edit[edits.length + 1];
        System.arraycopy(edits, 0, more, 0, at);
        more[at] = edit;
        System.arraycopy(edits, at, more, at + 1, edits.length - at);
        return new Spliced(envelope, more);
    }

    /** The envelope without the replacements. */
    public Envelope envelope() {
        return envelope;
    }

    /** The number of bytes that {@link #writeTo} and {@link #writeLineTo} write. */
    public int length() {
        int length = envelope.length();
        for (var edit : edits) {
            length += edit.replacement.length() - (edit.end - edit.start);
        }
        return length;
    }

    public void writeTo(ByteOutput out) {
        int from = 0;
        for (var edit : edits) {
            out.write(envelope.bytes(), from, edit.start - from);
            edit.replacement.writeTo(out);
            from = edit.end;
        }
        out.write(envelope.bytes(), from, envelope.length() - from);
    }

    /**
     * Writes the message as one line: raw CR and LF become spaces, so that it can never end a frame
     * early.
     */
    public void writeLineTo(ByteOutput out) {
        if (!envelope.lineBreaks()) {
            writeTo(out);
            return;
        }
        writeTo(
                (bytes, offset, length) -> {
                    var line = Arrays.copyOfRange(bytes, offset, offset + length);
                    for (int i = 0; i < line.length; i++) {
                        if (line[i] == '\n' || line[i] == '\r') {
                            line[i] = ' ';
                        }
                    }
                    out.write(line, 0, line.length);
                });
    }

    /** A copy of the bytes. */
    public byte[] bytes() {
        var bytes = new byte[length()];
        int[] at = {0};
        writeTo(
                (source, offset, length) -> {
                    System.arraycopy(source, offset, bytes, at[0], length);
                    at[0] += length;
                });
        return bytes;
    }

    /** The JSON text. */
    @Override
    public String toString() {
        return new String(bytes(), StandardCharsets.UTF_8);
    }
}
