package dev.heddle.app.telemetry;

import dev.heddle.core.aggregation.Aggregator;
import dev.heddle.core.aggregation.Note;
import dev.heddle.core.aggregation.Part;
import dev.heddle.core.aggregation.Surface;
import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.catalog.Catalog;
import dev.heddle.core.catalog.CatalogKey;
import dev.heddle.core.catalog.Catalogs;
import dev.heddle.core.health.HealthBoard;
import dev.heddle.protocol.Json;
import dev.heddle.transport.serve.Pages;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** The pages that show whether the gateway lives, is ready, and how it is. Thread-safe. */
public final class StatusPages implements Pages {
    private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

    /**
     * What the gateway says of itself.
     *
     * @param backendMetadata by backend id
     */
    public record Self(
            String name,
            String version,
            Optional<String> groupRef,
            Map<String, String> metadata,
            Map<String, Map<String, String>> backendMetadata) {}

    private final boolean allOrNothing;
    private volatile Self self;
    private final BackendRegistry registry;
    private final Catalogs catalogs;
    private final HealthBoard health;
    private final Aggregator aggregator;
    private final Metrics metrics;
    private final ClientProfile gateway;
    private final BooleanSupplier draining;

    public StatusPages(
            Self self,
            BackendRegistry registry,
            Catalogs catalogs,
            HealthBoard health,
            Aggregator aggregator,
            Metrics metrics,
            ClientProfile gateway,
            boolean allOrNothing,
            BooleanSupplier draining) {
        this.self = self;
        this.registry = registry;
        this.catalogs = catalogs;
        this.health = health;
        this.aggregator = aggregator;
        this.metrics = metrics;
        this.gateway = gateway;
        this.allOrNothing = allOrNothing;
        this.draining = draining;
    }

    @Override
    public Optional<Page> at(String path) {
        return switch (path) {
            case "/health", "/ping" -> Optional.of(Page.json(200, "{\"status\":\"ok\"}"));
            case "/readyz" -> Optional.of(readiness());
            case "/status" -> Optional.of(Page.json(200, status().toString()));
            case "/metrics" -> Optional.of(new Page(200, PROMETHEUS, metrics.scrape()));
            default -> Optional.empty();
        };
    }

    /** Shows {@code next} from now on. */
    public void follow(Self next) {
        self = next;
    }

    /**
     * Ready means that a new session would get at least one backend, or all where all are required.
     */
    private Page readiness() {
        if (draining.getAsBoolean()) {
            return notReady("draining");
        }
        var backends = registry.snapshot().backends().values();
        boolean ready =
                allOrNothing
                        ? backends.stream().allMatch(this::isReady)
                        : backends.stream().anyMatch(this::isReady);
        return ready ? Page.json(200, "{\"status\":\"ready\"}") : notReady("no_backend_available");
    }

    private static Page notReady(String reason) {
        return Page.json(
                503,
                Json.object(page -> page.put("status", "not_ready").put("reason", reason))
                        .toString());
    }

    /** Whether every backend has said what it offers, or has failed to. */
    public boolean isSettled() {
        return registry.snapshot().backends().values().stream()
                .allMatch(
                        backend ->
                                catalog(backend).isPresent()
                                        || health.health(backend.id()).failures() > 0);
    }

    private boolean isReady(Backend backend) {
        return catalog(backend).isPresent() && health.health(backend.id()).state().usable();
    }

    private Optional<Catalog> catalog(Backend backend) {
        return catalogs.nearest(CatalogKey.of(backend, gateway), true);
    }

    private Json status() {
        var backends = registry.snapshot().backends().values();
        boolean healthy = backends.stream().anyMatch(this::isReady);
        var surface = surface();
        return Json.object(
                status -> {
                    status.put("name", self.name()).put("version", self.version());
                    self.groupRef().ifPresent(group -> status.put("group_ref", group));
                    if (!self.metadata().isEmpty()) {
                        status.put("metadata", text(self.metadata()));
                    }
                    status.put("healthy", healthy)
                            .put("sessions", metrics.sessions())
                            .put("tools", surface.tools().items().size())
                            .put(
                                    "backends",
                                    Json.array(backends.stream().map(this::backend).toList()))
                            .put(
                                    "notes",
                                    Json.array(
                                            surface.notes().stream()
                                                    .map(StatusPages::note)
                                                    .toList()));
                });
    }

    /** What a client that can do nothing special would see. */
    public Surface surface() {
        var parts = new ArrayList<Part>();
        for (var backend : registry.snapshot().backends().values()) {
            catalog(backend)
                    .ifPresent(
                            catalog ->
                                    parts.add(
                                            new Part(
                                                    backend.id(),
                                                    catalog,
                                                    health.health(backend.id()).state().usable())));
        }
        return aggregator.aggregate(parts, gateway.revision());
    }

    private Json backend(Backend backend) {
        var condition = health.health(backend.id());
        var catalog = catalog(backend);
        var metadata = self.backendMetadata().getOrDefault(backend.id().value(), Map.of());
        return Json.object(
                entry -> {
                    entry.put("name", backend.id().value())
                            .put("health", condition.state().word())
                            .put("transport", backend.target().transport())
                            .put("auth_type", backend.auth().type());
                    catalog.ifPresent(
                            known ->
                                    entry.put(
                                                    "mcp_revision",
                                                    known.introduction().revision().text())
                                            .put("tools", known.tools().size())
                                            .put("resources", known.resources().size())
                                            .put("prompts", known.prompts().size()));
                    entry.put("sessions", metrics.backendSessions(backend.id()))
                            .put("failures", condition.failures())
                            .put("since", condition.since().toString());
                    health.circuit(backend.id())
                            .ifPresent(circuit -> entry.put("circuit", circuit));
                    if (!condition.lastError().isEmpty()) {
                        entry.put("last_error", condition.lastError());
                    }
                    if (!metadata.isEmpty()) {
                        entry.put("metadata", text(metadata));
                    }
                });
    }

    private static Json note(Note note) {
        return Json.object(
                entry ->
                        entry.put("kind", note.kind())
                                .put("backend", note.backend().value())
                                .put("name", note.original())
                                .put("note", note.text()));
    }

    private static Json text(Map<String, String> map) {
        return Json.object(members -> map.forEach(members::put));
    }

    /** One line for each backend, for the log. */
    public List<String> summary() {
        return registry.snapshot().backends().keySet().stream()
                .map(id -> id + " is " + health.health(id).state().word())
                .toList();
    }

    /** One line for each backend that does not answer as it should. */
    public List<String> troubles() {
        return registry.snapshot().backends().keySet().stream()
                .filter(id -> !health.health(id).lastError().isEmpty())
                .map(id -> health.health(id).lastError())
                .toList();
    }
}
