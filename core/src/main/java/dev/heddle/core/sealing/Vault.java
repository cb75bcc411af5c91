package dev.heddle.core.sealing;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;

/**
 * Seals text so that nobody without the secret can read or change it, and gives names that nobody
 * without the secret can trace back to what is named.
 *
 * <p>Sealed text is the key's number, then Base64 of a random nonce and AES-256 in Galois/Counter
 * mode, with what it is bound to as additional data. Names are HMAC-SHA256, cut to 192 bits. Each
 * use of a secret has a key of its own (RFC 5869). Thread-safe.
 */
public final class Vault {
    /** The least number of characters that a secret may have. */
    public static final int SHORTEST_SECRET = 32;

    private static final String CIPHER = "AES/GCM/NoPadding";
    private static final String MAC = "HmacSHA256";
    private static final int KEY_BYTES = 32;
    private static final int NUMBER_BYTES = 3;
    private static final int NUMBER_LENGTH = 4;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;
    private static final int NAME_BYTES = 24;

    /**
     * What is derived from one secret.
     *
     * @param number by which sealed text says which secret it was sealed with
     */
    private record Keys(String number, SecretKey sealing, SecretKey naming) {
        static Keys of(byte[] secret) {
            var number = derive(secret, "number", "Generic").getEncoded();
            return new Keys(
                    base64(Arrays.copyOf(number, NUMBER_BYTES)),
                    derive(secret, "sealing", "AES"),
                    derive(secret, "naming", MAC));
        }

        private static SecretKey derive(byte[] secret, String use, String algorithm) {
            try {
                var parameters =
                        HKDFParameterSpec.ofExtract()
                                .addIKM(secret)
                                .thenExpand(
                                        ("heddle " + use).getBytes(StandardCharsets.UTF_8),
                                        KEY_BYTES);
                return KDF.getInstance("HKDF-SHA256").deriveKey(algorithm, parameters);
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("cannot derive a key", e);
            }
        }
    }

    private final List<Keys> keys; // the current one first
    private final SecureRandom random = new SecureRandom();

    private Vault(List<Keys> keys) {
        this.keys = keys;
    }

    /** One whose secret no other process has. */
    public static Vault ofThisProcess() {
        var secret = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(secret);
        return new Vault(List.of(Keys.of(secret)));
    }

    /**
     * One for all processes that are given the same.
     *
     * @param secrets the one in use, then earlier ones, with which nothing more is sealed
     * @throws IllegalArgumentException if there is none, or one is too short to be a secret
     */
    public static Vault of(List<String> secrets) {
        if (secrets.isEmpty()
                || secrets.stream().anyMatch(secret -> secret.length() < SHORTEST_SECRET)) {
            throw new IllegalArgumentException(
                    "found no secret, or one of less than " + SHORTEST_SECRET + " characters");
        }
        return new Vault(
                secrets.stream()
                        .map(secret -> Keys.of(secret.getBytes(StandardCharsets.UTF_8)))
                        .toList());
    }

    /**
     * The names of {@code text}: the one that it is given now, then those that it may have been
     * given with earlier secrets. Visible ASCII.
     */
    public List<String> names(String text) {
        return keys.stream().map(each -> name(each, text)).toList();
    }

    private static String name(Keys keys, String text) {
        try {
            var mac = Mac.getInstance(MAC);
            mac.init(keys.naming());
            var hash = mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
            return base64(Arrays.copyOf(hash, NAME_BYTES));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot name", e);
        }
    }

    /**
     * Seals {@code content}.
     *
     * @param binding what has to be the same when it is opened
     */
    public String seal(String content, String binding) {
        var current = keys.getFirst();
        var nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        try {
            var sealed =
                    cipher(current, Cipher.ENCRYPT_MODE, nonce, binding)
                            .doFinal(content.getBytes(StandardCharsets.UTF_8));
            var whole = ByteBuffer.allocate(NONCE_BYTES + sealed.length).put(nonce).put(sealed);
            return current.number() + base64(whole.array());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot seal", e);
        }
    }

    /** What was sealed for {@code binding}; empty if it was not, or with a secret unknown here. */
    public Optional<String> open(String sealed, String binding) {
        try {
            for (var each : keys) {
                if (sealed.startsWith(each.number())) {
                    return Optional.of(open(each, sealed.substring(NUMBER_LENGTH), binding));
                }
            }
            return Optional.empty();
        } catch (GeneralSecurityException | IllegalArgumentException foreign) {
            return Optional.empty();
        }
    }

    private static String open(Keys keys, String sealed, String binding)
            throws GeneralSecurityException {
        var whole = Base64.getUrlDecoder().decode(sealed);
        var nonce = Arrays.copyOf(whole, NONCE_BYTES);
        int length = Math.max(0, whole.length - NONCE_BYTES);
        var plain =
                cipher(keys, Cipher.DECRYPT_MODE, nonce, binding)
                        .doFinal(whole, whole.length - length, length);
        return new String(plain, StandardCharsets.UTF_8);
    }

    private static Cipher cipher(Keys keys, int mode, byte[] nonce, String binding)
            throws GeneralSecurityException {
        var cipher = Cipher.getInstance(CIPHER);
        cipher.init(mode, keys.sealing(), new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(binding.getBytes(StandardCharsets.UTF_8));
        return cipher;
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
