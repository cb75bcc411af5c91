package dev.heddle.app.cli;

import dev.heddle.app.config.HeddleConfig;
import dev.heddle.app.wiring.Gateway;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.session.MultiSession;

import java.time.Duration;

/** Opens a session for a person at the command line. */
final class Sessions {
    static final Duration PATIENCE = Duration.ofSeconds(30);

    private Sessions() {}

    /** The same configuration, but a session waits for its backends as long as a person would. */
    static HeddleConfig patient(HeddleConfig config) {
        return config.waiting(PATIENCE);
    }

    static MultiSession open(Gateway gateway, ClientProfile profile) {
        return gateway.sessions().begin(gateway.caller(), profile, "command line");
    }
}
