package dev.heddle.protocol;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.List;

/** A value that the gateway reads, and the key that it has in its object. */
enum Field {
    JSONRPC(0, "jsonrpc"),
    ID(1, "id"),
    METHOD(2, "method"),
    PARAMS(3, "params"),
    RESULT(4, "result"),
    ERROR(5, "error"),
    NAME(6, "name"),
    URI(7, "uri"),
    META(8, "_meta"),
    CURSOR(9, "cursor"),
    LEVEL(10, "level"),
    REF(11, "ref"),
    REQUEST_ID(12, "requestId"),
    PROGRESS(13, "progressToken"),
    TOKEN(14, "progressToken"),
    ARGUMENTS(15, "arguments"),
    VERSION(16, MetaKey.PROTOCOL_VERSION),
    TASK(17, "task");

    /** The fields of one object. */
    static final class Group {
        /** Those of a message. */
        static final Group TOP = new Group(JSONRPC, ID, METHOD, PARAMS, RESULT, ERROR);

        /** Those of {@code params}. */
        static final Group IN_PARAMS =
                new Group(
                        NAME, URI, META, CURSOR, LEVEL, REF, REQUEST_ID, PROGRESS, ARGUMENTS, TASK);

        /** Those of {@code params._meta}. */
        static final Group IN_META = new Group(TOKEN, VERSION);

        private final Field[] fields;
        private final Words keys;

        private Group(Field... fields) {
            this.fields = fields;
            this.keys = new Words(Arrays.stream(fields).map(Field::key).toList());
        }

        List<Field> fields() {
            return List.of(fields);
        }

        /** The field whose key is in {@code [start, end)}. */
        @Nullable Field find(byte[] bytes, int start, int end) {
            int number = keys.find(bytes, start, end);
            return number < 0 ? null : fields[number];
        }

        /** The field whose key is in {@code [start, end)} whatever the case of its letters. */
        @Nullable Field findVariant(byte[] bytes, int start, int end) {
            int number = keys.findVariant(bytes, start, end);
            return number < 0 ? null : fields[number];
        }
    }

    static final int COUNT = values().length;

    private final int number;
    private final String key;

    Field(int number, String key) {
        this.number = number;
        this.key = key;
    }

    String key() {
        return key;
    }

    /** Where its range begins among the ranges of all fields; behind it comes the range's end. */
    int slot() {
        return 2 * number;
    }

    /** The bit that stands for it. */
    int bit() {
        return 1 << number;
    }
}
