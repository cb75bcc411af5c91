package dev.heddle.protocol;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * An envelope with a few of its values replaced and every other byte as it was.
 *
 * <p>Immutable: each replacement gives a new value. A replacement of a value that the envelope does
 * not have is no change, so that nothing is ever invented. Safe for concurrent use.
 */
public final class Spliced {
    private static final Edit[] NONE = {};
    private static final Json NOTHING = Json.scanned(new byte[0], 0, 0);

    private record Edit(int start, int end, Json replacement) {
        /** What is inserted comes before what is replaced at the same place. */
        boolean isBefore(Edit other) {
            return start < other.start
                    || (start == other.start && end == start && other.end > other.start);
        }
    }

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

    /** {@code params.name} as it goes out; empty where it is absent or not a string. */
    public Optional<String> name() {
        return text(Field.NAME);
    }

    private Optional<String> text(Field field) {
        for (var edit : edits) {
            if (envelope.has(field) && edit.start == envelope.start(field)) {
                return Optional.of(edit.replacement).filter(Json::isString).map(Json::text);
            }
        }
        return envelope.text(field);
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
        return cleared().message;
    }

    /**
     * A message with room for the next hop's values.
     *
     * @param empty whether nothing is left of {@code params._meta}
     */
    private record Cleared(Spliced message, boolean empty) {}

    private Cleared cleared() {
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
        left = from < 0 ? left : left.edit(new Edit(keptEnd < 0 ? from : keptEnd, last, NOTHING));
        return new Cleared(left, keptEnd < 0);
    }

    /**
     * Says to the next hop what belongs to it only: the members of {@code hop} become those of
     * {@code params._meta}, where they take the place of what was meant for the last hop.
     */
    public Spliced withHop(Json hop) {
        if (!envelope.has(Field.PARAMS)) {
            var params = Json.object(members -> members.put("_meta", hop));
            return insert(topStart(), text("\"params\":", params, ","));
        }
        if (!envelope.has(Field.META)) {
            int start = envelope.start(Field.PARAMS);
            boolean empty =
                    !new JsonMembers(envelope.bytes(), start, envelope.end(Field.PARAMS)).next();
            return insert(start + 1, text("\"_meta\":", hop, empty ? "" : ","));
        }
        int start = envelope.start(Field.META);
        if (envelope.bytes()[start] != '{') {
            return edit(new Edit(start, envelope.end(Field.META), hop));
        }
        var cleared = cleared();
        var members = hop.bytes();
        var first = Arrays.copyOfRange(members, 1, members.length - (cleared.empty ? 1 : 0));
        if (!cleared.empty) {
            first[first.length - 1] = ',';
        }
        return cleared.message.insert(start + 1, Json.scanned(first, 0, first.length));
    }

    private int topStart() {
        int start = 0;
        while (envelope.bytes()[start] != '{') {
            start++;
        }
        return start + 1;
    }

    private static Json text(String key, Json value, String behind) {
        var text = (key + value + behind).getBytes(StandardCharsets.UTF_8);
        return Json.scanned(text, 0, text.length);
    }

    private Spliced insert(int at, Json text) {
        return edit(new Edit(at, at, text));
    }

    private Spliced replace(Field field, Json value) {
        return envelope.has(field)
                ? edit(new Edit(envelope.start(field), envelope.end(field), value))
                : this;
    }

    private Spliced edit(Edit edit) {
        int at = 0;
        while (at < edits.length && edits[at].isBefore(edit)) {
            at++;
        }
        if (at < edits.length && !edit.isBefore(edits[at])) {
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
