package dev.heddle.protocol;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** JSON text that is being written. Confined to one thread. */
final class JsonText {
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private boolean separate;

    JsonText open(char bracket) {
        out.write(bracket);
        separate = false;
        return this;
    }

    JsonText close(char bracket) {
        out.write(bracket);
        separate = true;
        return this;
    }

    void element(Json value) {
        separate();
        value.writeTo(out::write);
    }

    JsonText member(String key, Json value) {
        separate();
        return bareMember(key, value, false);
    }

    /** A member on its own, to be put into an object that has others before it or not. */
    JsonText bareMember(String key, Json value, boolean othersBefore) {
        if (othersBefore) {
            out.write(',');
        }
        out.writeBytes(quote(key));
        out.write(':');
        value.writeTo(out::write);
        return this;
    }

    private void separate() {
        if (separate) {
            out.write(',');
        }
        separate = true;
    }

    byte[] bytes() {
        return out.toByteArray();
    }

    /**
     * {@code text} as a JSON string. A lone surrogate is written as an escape, since UTF-8 has no
     * form for it.
     */
    static byte[] quote(String text) {
        var out = new ByteArrayOutputStream(text.length() + 2);
        out.write('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.write('\\');
                out.write(c);
            } else if (c < 0x20) {
                escape(out, c);
            } else if (c < 0x80) {
                out.write(c);
            } else if (!Character.isSurrogate(c)) {
                out.writeBytes(String.valueOf(c).getBytes(StandardCharsets.UTF_8));
            } else if (Character.isHighSurrogate(c)
                    && i + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(i + 1))) {
                out.writeBytes(text.substring(i, i + 2).getBytes(StandardCharsets.UTF_8));
                i++;
            } else {
                escape(out, c);
            }
        }
        out.write('"');
        return out.toByteArray();
    }

    private static void escape(ByteArrayOutputStream out, char c) {
        out.write('\\');
        out.write('u');
        for (int shift = 12; shift >= 0; shift -= 4) {
            out.write(HEX[c >> shift & 0xF]);
        }
    }
}
