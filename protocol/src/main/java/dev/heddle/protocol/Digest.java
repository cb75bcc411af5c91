package dev.heddle.protocol;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A name for content: equal for equal bytes, and for no others that anyone could find. */
public final class Digest {
    private static final int BYTES = 16;

    private final MessageDigest sha256;

    public Digest() {
        try {
            this.sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Adds one part. Parts are told apart: two and one that read the same give different names. */
    public Digest add(byte[] part) {
        sha256.update(Integer.toString(part.length).getBytes(StandardCharsets.US_ASCII));
        sha256.update((byte) ':');
        sha256.update(part);
        return this;
    }

    public Digest add(String part) {
        return add(part.getBytes(StandardCharsets.UTF_8));
    }

    public Digest add(Json part) {
        return add(part.bytes());
    }

    /** The name, in 32 hexadecimal digits. */
    public String name() {
        return HexFormat.of().formatHex(sha256.digest(), 0, BYTES);
    }
}
