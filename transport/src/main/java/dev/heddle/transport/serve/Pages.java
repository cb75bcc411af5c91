package dev.heddle.transport.serve;

import java.util.Optional;

/** What the server shows besides the MCP endpoint. May block; thread-safe. */
@FunctionalInterface
public interface Pages {

    /** One answer to a GET. */
    record Page(int status, String contentType, String body) {
        public static Page json(int status, String body) {
            return new Page(status, "application/json", body);
        }
    }

    /** The page at {@code path}, or empty if there is none. */
    Optional<Page> at(String path);
}
