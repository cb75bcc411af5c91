package dev.heddle.protocol;

/** A walk over the members of one well-formed object. Confined to one thread. */
final class JsonMembers {
    private final byte[] bytes;
    private final JsonScanner scanner;
    private boolean first = true;
    private int keyStart;
    private int keyEnd;
    private int valueStart;
    private int valueEnd;

    JsonMembers(byte[] bytes, int start, int end) {
        this.bytes = bytes;
        this.scanner = new JsonScanner(bytes, start, end);
        scanner.expect('{');
    }

    /** Passes one member, or says that there is none left. */
    boolean next() {
        scanner.skipWhitespace();
        if (scanner.accept('}')) {
            return false;
        }
        if (!first) {
            scanner.expect(',');
            scanner.skipWhitespace();
        }
        first = false;
        keyStart = scanner.position();
        scanner.skipString();
        keyEnd = scanner.position();
        scanner.skipWhitespace();
        scanner.expect(':');
        scanner.skipWhitespace();
        valueStart = scanner.position();
        scanner.skipValue();
        valueEnd = scanner.position();
        return true;
    }

    boolean keyIs(String wanted) {
        return key().equals(wanted);
    }

    String key() {
        return JsonScanner.decode(bytes, keyStart, keyEnd);
    }

    Json value() {
        return Json.scanned(bytes, valueStart, valueEnd);
    }

    int keyStart() {
        return keyStart;
    }

    int valueStart() {
        return valueStart;
    }

    int valueEnd() {
        return valueEnd;
    }
}
