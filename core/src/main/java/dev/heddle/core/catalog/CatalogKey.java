package dev.heddle.core.catalog;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.Target;
import dev.heddle.protocol.Digest;

import java.util.Map;
import java.util.TreeMap;

/**
 * For whom a catalog is true.
 *
 * @param place a name for the backend's address and the gateway's credentials there
 * @param clientKind the kind of client that asks, as of {@link ClientProfile#kind}
 */
public record CatalogKey(BackendId backend, String place, String clientKind) {

    public static CatalogKey of(Backend backend, ClientProfile profile) {
        return new CatalogKey(backend.id(), place(backend), profile.kind());
    }

    private static String place(Backend backend) {
        var digest = new Digest().add(backend.auth().type());
        add(digest, backend.auth().settings());
        add(digest, backend.headers());
        switch (backend.target()) {
            case Target.Remote(var url, var wire, _) -> digest.add(url.toString()).add(wire.text());
            case Target.Command command -> {
                command.argv().forEach(digest::add);
                add(digest, command.env());
                command.cwd().ifPresent(cwd -> digest.add(cwd.toString()));
            }
            case Target.InProcess(var server) -> digest.add(server.getClass().getName());
        }
        return digest.name();
    }

    private static void add(Digest digest, Map<String, String> settings) {
        new TreeMap<>(settings).forEach((name, value) -> digest.add(name).add(value));
    }
}
