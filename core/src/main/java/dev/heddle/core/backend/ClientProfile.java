package dev.heddle.core.backend;

import dev.heddle.protocol.Digest;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Revision;

/**
 * What a client said of itself in {@code initialize}; each backend is told the same.
 *
 * @param capabilities the client's capabilities as it wrote them
 * @param clientInfo the client's name and version as it wrote them
 */
public record ClientProfile(Revision revision, Json capabilities, Json clientInfo) {

    /** The gateway itself, when it asks for its own sake. It can answer nothing. */
    public static ClientProfile gateway(String name, String version) {
        var info = Json.object(members -> members.put("name", name).put("version", version));
        return new ClientProfile(Revision.LATEST, Json.EMPTY_OBJECT, info);
    }

    public ClientProfile {
        capabilities = capabilities.detached();
        clientInfo = clientInfo.detached();
    }

    /** The newest revision with sessions that the client would understand. */
    public Revision sessionRevision() {
        return revision.hasSessions() ? revision : Revision.LATEST;
    }

    /**
     * Equal for clients to whom a backend offers the same: those of one revision with the same
     * capabilities.
     */
    public String kind() {
        return revision.text() + "-" + new Digest().add(capabilities).name();
    }

    /** Whether the client declared that servers may ask it anything. */
    public boolean answersQuestions() {
        return declares("elicitation") || declares("sampling") || declares("roots");
    }

    /** Whether the client declared the capability called {@code name}. */
    public boolean declares(String name) {
        return capabilities.get(name).isPresent();
    }
}
