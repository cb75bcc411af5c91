package dev.heddle.core.catalog;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.backend.Target;
import dev.heddle.core.exchange.BlockingCall;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.ParamHeaders;
import dev.heddle.protocol.Spliced;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Asks a backend for everything that it offers. Thread-safe. */
public final class CatalogReader {
    private static final Logger log = LoggerFactory.getLogger(CatalogReader.class);
    private static final int MAX_PAGES = 10_000;
    private static final Duration LONGEST = Duration.ofDays(1);

    private final Ids ids;

    public CatalogReader(Ids ids) {
        this.ids = ids;
    }

    /**
     * Reads all pages of all lists. Blocks, at most the backend's opening time for each page.
     *
     * @throws Fault if the backend does not answer, or not in the form of MCP; a list that it
     *     announces and does not serve is empty
     */
    public Catalog read(Backend backend, BackendSession session, Introduction introduction) {
        try {
            return readAll(
                    new Reading(backend, session, mirrors(backend, introduction)), introduction);
        } catch (MalformedJson e) {
            throw Fault.BackendFailed.notSent(
                    backend.id().value(),
                    Reason.GARBAGE,
                    "lists something that cannot be read: " + e.getMessage());
        }
    }

    /** Whether arguments of tools may have to travel in headers too. */
    private static boolean mirrors(Backend backend, Introduction introduction) {
        return !introduction.revision().hasSessions() && backend.target() instanceof Target.Remote;
    }

    private static Catalog readAll(Reading reading, Introduction introduction) {
        boolean resources = introduction.offers("resources");
        return new Catalog(
                introduction,
                introduction.offers("tools")
                        ? reading.all(Method.TOOLS_LIST, "tools", "name")
                        : List.of(),
                resources ? reading.all(Method.RESOURCES_LIST, "resources", "uri") : List.of(),
                resources
                        ? reading.all(Method.TEMPLATES_LIST, "resourceTemplates", "uriTemplate")
                        : List.of(),
                introduction.offers("prompts")
                        ? reading.all(Method.PROMPTS_LIST, "prompts", "name")
                        : List.of(),
                reading.lifetime());
    }

    /** Whether the backend answers at all, be it with an error. Blocks. */
    public void ping(Backend backend, BackendSession session, Duration patience) {
        try {
            ask(backend, session, Method.PING, Json.EMPTY_OBJECT, patience);
        } catch (Fault.ErrorReply alive) {
            log.debug(
                    "backend '{}' answers ping with an error: {}",
                    backend.id(),
                    alive.getMessage());
        }
    }

    private Json ask(
            Backend backend,
            BackendSession session,
            String method,
            Json params,
            Duration patience) {
        long id = ids.next();
        var call = new BlockingCall();
        session.send(id, Spliced.of(JsonRpc.request(Json.of(id), method, params)), call);
        return call.await(patience)
                .orElseThrow(
                        () -> {
                            session.cancel(id, "timeout");
                            return new Fault.BackendFailed(
                                    backend.id().value(),
                                    Reason.TIMEOUT,
                                    "did not answer "
                                            + method
                                            + " within "
                                            + patience.toMillis()
                                            + " ms",
                                    false);
                        });
    }

    /** One pass over the lists of one backend. */
    private final class Reading {
        private final Backend backend;
        private final BackendSession session;
        private final boolean mirrors;
        private long shortest = Long.MAX_VALUE;

        Reading(Backend backend, BackendSession session, boolean mirrors) {
            this.backend = backend;
            this.session = session;
            this.mirrors = mirrors;
        }

        List<Catalog.Entry> all(String method, String list, String key) {
            var entries = new ArrayList<Catalog.Entry>();
            var cursors = new HashSet<Json>();
            Optional<Json> cursor = Optional.empty();
            do {
                var page = page(method, cursor);
                note(page.get("ttlMs").map(given -> given.integer().orElse(0)).orElse(0L));
                for (var json : entries(page, method, list)) {
                    entry(method, key, json).ifPresent(entries::add);
                }
                cursor = page.get("nextCursor").filter(Json::isString);
            } while (cursor.isPresent() && isNew(method, cursor.get(), cursors));
            return entries;
        }

        /** The whole lasts as long as that part of it that lasts shortest. */
        private void note(long millis) {
            shortest = Math.min(shortest, Math.max(millis, 0));
        }

        /** How long what has been read is good, if the backend has said so of all of it. */
        Optional<Duration> lifetime() {
            return shortest > 0 && shortest < Long.MAX_VALUE
                    ? Optional.of(Duration.ofMillis(Math.min(shortest, LONGEST.toMillis())))
                    : Optional.empty();
        }

        private List<Json> entries(Json page, String method, String list) {
            var entries = page.get(list).orElse(Json.EMPTY_ARRAY);
            if (!entries.isArray()) {
                throw Fault.BackendFailed.notSent(
                        backend.id().value(),
                        Reason.GARBAGE,
                        "answered " + method + " with \"" + list + "\" that is no array");
            }
            return entries.elements();
        }

        /** One entry of a list, or empty if it does not say what it is called. */
        private Optional<Catalog.Entry> entry(String method, String key, Json json) {
            try {
                if (mirrors && method.equals(Method.TOOLS_LIST)) {
                    ParamHeaders.of(json); // a tool that marks what cannot travel so is left out
                }
                var named = json.text(key).map(name -> new Catalog.Entry(name, json));
                if (named.isEmpty()) {
                    log.warn(
                            "backend '{}' lists an entry without \"{}\" in {}; it is left out",
                            backend.id(),
                            key,
                            method);
                }
                return named;
            } catch (MalformedJson e) {
                log.warn(
                        "backend '{}' lists an entry in {} that is left out: {}",
                        backend.id(),
                        method,
                        e.getMessage());
                return Optional.empty();
            }
        }

        private Json page(String method, Optional<Json> cursor) {
            try {
                var params = Json.object(members -> members.put("cursor", cursor));
                return ask(backend, session, method, params, backend.limits().open());
            } catch (Fault.ErrorReply e) {
                boolean absent =
                        e.error()
                                .get("code")
                                .filter(Json.of(ErrorCode.METHOD_NOT_FOUND)::equals)
                                .isPresent();
                if (!absent) {
                    throw e;
                }
                log.info("backend '{}' announces but does not serve {}", backend.id(), method);
                return Json.EMPTY_OBJECT;
            }
        }

        private boolean isNew(String method, Json cursor, Set<Json> cursors) {
            boolean fresh = cursors.add(cursor.detached()) && cursors.size() < MAX_PAGES;
            if (!fresh) {
                log.warn(
                        "backend '{}' pages {} without end; the rest is left out",
                        backend.id(),
                        method);
            }
            return fresh;
        }
    }
}
