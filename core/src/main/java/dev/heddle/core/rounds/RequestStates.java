package dev.heddle.core.rounds;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;

import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Seals what a client is to bring back with its next request (MCP 2026-07-28, Multi round-trip
 * requests, requestState): nobody else can read it, change it, use it for something else, or use it
 * for ever.
 *
 * <p>The text is Base64 of a random nonce and AES-256 in Galois/Counter mode over the expiry and
 * the content, with what it is bound to as additional data. Thread-safe.
 */
public final class RequestStates {
    private static final String CIPHER = "AES/GCM/NoPadding";
    private static final int KEY_BYTES = 32;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;
    private static final int LONGEST = 256 * 1024;

    private final SecretKey key;
    private final InstantSource clock;
    private final SecureRandom random = new SecureRandom();

    /** With a key of its own, so that what it seals is good in this process only. */
    public RequestStates(InstantSource clock) {
        var bytes = new byte[KEY_BYTES];
        random.nextBytes(bytes);
        this.key = new SecretKeySpec(bytes, "AES");
        this.clock = clock;
    }

    /**
     * Seals {@code content} for one use of it.
     *
     * @param binding what has to be the same when it is opened
     * @param life how long it can be opened
     */
    public String seal(String content, String binding, Duration life) {
        var text = content.getBytes(StandardCharsets.UTF_8);
        var plain =
                ByteBuffer.allocate(Long.BYTES + text.length)
                        .putLong(clock.instant().plus(life).toEpochMilli())
                        .put(text)
                        .array();
        var nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        try {
            var sealed = cipher(Cipher.ENCRYPT_MODE, nonce, binding).doFinal(plain);
            var whole = ByteBuffer.allocate(nonce.length + sealed.length).put(nonce).put(sealed);
            return Base64.getUrlEncoder().withoutPadding().encodeToString(whole.array());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot seal", e);
        }
    }

    /** What was sealed for {@code binding}; empty if it was not, or not here, or has expired. */
    public Optional<String> open(String sealed, String binding) {
        if (sealed.length() > LONGEST) {
            return Optional.empty();
        }
        try {
            var whole = Base64.getUrlDecoder().decode(sealed);
            if (whole.length < NONCE_BYTES) {
                return Optional.empty();
            }
            var nonce = Arrays.copyOf(whole, NONCE_BYTES);
            var plain =
                    ByteBuffer.wrap(
                            cipher(Cipher.DECRYPT_MODE, nonce, binding)
                                    .doFinal(whole, NONCE_BYTES, whole.length - NONCE_BYTES));
            boolean inTime = clock.instant().isBefore(Instant.ofEpochMilli(plain.getLong()));
            return inTime
                    ? Optional.of(StandardCharsets.UTF_8.decode(plain).toString())
                    : Optional.empty();
        } catch (GeneralSecurityException | IllegalArgumentException foreign) {
            return Optional.empty();
        }
    }

    private Cipher cipher(int mode, byte[] nonce, String binding) throws GeneralSecurityException {
        var cipher = Cipher.getInstance(CIPHER);
        cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(binding.getBytes(StandardCharsets.UTF_8));
        return cipher;
    }
}
