package dev.heddle.core.identity;

/**
 * Who makes a call, as the front has proved it: an issuer, a subject there, and the bearer token
 * that was shown.
 *
 * <p>Each part may be empty. {@link #NONE} is nobody at all.
 */
public record Identity(String issuer, String subject, String token) {
    /** Nobody: no identity was presented. */
    public static final Identity NONE = new Identity("", "", "");

    /** The issuer of identities that come from this machine's operating system. */
    public static final String LOCAL_ISSUER = "heddle:local";

    /** The user of this machine. */
    public static Identity local(String user) {
        return new Identity(LOCAL_ISSUER, user, "");
    }

    public boolean isNone() {
        return issuer.isEmpty() && subject.isEmpty() && token.isEmpty();
    }

    /**
     * Whether a session that this identity opens may be anonymous: it shows no token and does not
     * name a subject.
     */
    public boolean allowsAnonymous() {
        return token.isEmpty() && (issuer.isEmpty() || subject.isEmpty());
    }

    /** Names the subject and never shows the token. */
    @Override
    public String toString() {
        return isNone()
                ? "nobody"
                : subject + " of " + issuer + (token.isEmpty() ? "" : " (token hidden)");
    }
}
