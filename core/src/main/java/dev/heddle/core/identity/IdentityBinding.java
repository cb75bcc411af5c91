package dev.heddle.core.identity;

import dev.heddle.core.fault.Fault;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * To whom a session belongs. A token may be refreshed without changing it, since only issuer and
 * subject count.
 *
 * <p>The text form is the issuer, a NUL and the subject, or the word {@code unauthenticated}, which
 * holds no NUL and so cannot be mistaken for an owner.
 */
public sealed interface IdentityBinding {
    /** The text of {@link Unauthenticated}. */
    String UNAUTHENTICATED = "unauthenticated";

    /** The session belongs to whoever holds its id. */
    record Unauthenticated() implements IdentityBinding {
        @Override
        public String format() {
            return UNAUTHENTICATED;
        }

        @Override
        public void check(Identity caller) {
            if (!caller.allowsAnonymous()) {
                throw new Fault.UnauthorizedCaller();
            }
        }
    }

    /** The session belongs to one subject of one issuer. */
    record Owner(String issuer, String subject) implements IdentityBinding {
        public Owner {
            requirePart("issuer", issuer);
            requirePart("subject", subject);
        }

        @Override
        public String format() {
            return issuer + '\0' + subject;
        }

        @Override
        public void check(Identity caller) {
            if (caller.isNone()) {
                throw new Fault.NilCaller();
            }
            var claimed = caller.issuer() + '\0' + caller.subject();
            if (!MessageDigest.isEqual(utf8(format()), utf8(claimed))) {
                throw new Fault.UnauthorizedCaller();
            }
        }

        private static byte[] utf8(String text) {
            return text.getBytes(StandardCharsets.UTF_8);
        }

        private static void requirePart(String name, String part) {
            if (part.isEmpty()) {
                throw new Fault.InvalidBinding("found an empty " + name + " (expected: text)");
            }
            if (part.indexOf('\0') >= 0) {
                throw new Fault.InvalidBinding("found NUL in the " + name + " (expected: none)");
            }
        }
    }

    /**
     * The binding of a session that {@code opener} opens.
     *
     * @throws Fault.InvalidBinding if the opener shows a token but does not name issuer and subject
     */
    static IdentityBinding of(Identity opener) {
        return opener.allowsAnonymous()
                ? new Unauthenticated()
                : new Owner(opener.issuer(), opener.subject());
    }

    /**
     * Reads the text form back.
     *
     * @throws Fault.InvalidBinding if {@code text} is not one
     */
    static IdentityBinding parse(String text) {
        if (text.equals(UNAUTHENTICATED)) {
            return new Unauthenticated();
        }
        int separator = text.indexOf('\0');
        if (separator < 0) {
            throw new Fault.InvalidBinding("found no separator (expected: issuer, NUL, subject)");
        }
        return new Owner(text.substring(0, separator), text.substring(separator + 1));
    }

    /** The text form. */
    String format();

    /**
     * Lets only the owner pass. Compares in constant time.
     *
     * @throws Fault.NilCaller if the session has an owner and {@code caller} is nobody
     * @throws Fault.UnauthorizedCaller if {@code caller} is somebody else, or brings an identity to
     *     an anonymous session
     */
    void check(Identity caller);
}
