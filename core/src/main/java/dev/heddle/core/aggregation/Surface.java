package dev.heddle.core.aggregation;

import dev.heddle.core.backend.BackendId;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a client sees of all backends together, and where each name leads. What is not listed cannot
 * be called.
 *
 * <p>Immutable, and shared by all sessions that see the same.
 */
public final class Surface {
    /** Nothing. */
    public static final Surface EMPTY =
            new Surface(
                    new Listing("tools", List.of()),
                    new Listing("resources", List.of()),
                    new Listing("resourceTemplates", List.of()),
                    new Listing("prompts", List.of()),
                    new Routes(Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), List.of()),
                    Optional.empty(),
                    List.of());

    /**
     * Where names lead.
     *
     * @param tools those that clients may call, also while their backend is not usable
     * @param hiddenTools those that only tools made of tools may call
     */
    record Routes(
            Map<String, Route> tools,
            Map<String, Route> prompts,
            Map<String, Route> hiddenTools,
            Map<String, BackendId> resources,
            Map<String, BackendId> templates,
            List<BackendId> resourceBackends) {}

    private final Listing tools;
    private final Listing resources;
    private final Listing templates;
    private final Listing prompts;
    private final Routes routes;
    private final List<Template> templateRoutes;
    private final Former former;
    private final Optional<String> instructions;
    private final List<Note> notes;

    /** Names that a session was shown earlier and that lead nowhere else now. */
    private record Former(Map<String, Route> tools, Map<String, Route> prompts) {
        static final Former NONE = new Former(Map.of(), Map.of());

        boolean isEmpty() {
            return tools.isEmpty() && prompts.isEmpty();
        }
    }

    private record Template(String text, UriTemplate pattern, BackendId backend) {}

    Surface(
            Listing tools,
            Listing resources,
            Listing templates,
            Listing prompts,
            Routes routes,
            Optional<String> instructions,
            List<Note> notes) {
        this.tools = tools;
        this.resources = resources;
        this.templates = templates;
        this.prompts = prompts;
        this.routes = routes;
        this.templateRoutes =
                routes.templates().entrySet().stream()
                        .map(
                                entry ->
                                        new Template(
                                                entry.getKey(),
                                                new UriTemplate(entry.getKey()),
                                                entry.getValue()))
                        .toList();
        this.former = Former.NONE;
        this.instructions = instructions;
        this.notes = List.copyOf(notes);
    }

    private Surface(Surface like, Former former) {
        this.tools = like.tools;
        this.resources = like.resources;
        this.templates = like.templates;
        this.prompts = like.prompts;
        this.routes = like.routes;
        this.templateRoutes = like.templateRoutes;
        this.instructions = like.instructions;
        this.notes = like.notes;
        this.former = former;
    }

    public Listing tools() {
        return tools;
    }

    public Listing resources() {
        return resources;
    }

    public Listing templates() {
        return templates;
    }

    public Listing prompts() {
        return prompts;
    }

    /**
     * Where a tool's name leads. A name that this session was shown earlier leads where it led
     * then.
     */
    public Optional<Route> tool(String name) {
        var route = routes.tools().get(name);
        return Optional.ofNullable(route != null ? route : former.tools().get(name));
    }

    /** Where a prompt's name leads, as for {@link #tool}. */
    public Optional<Route> prompt(String name) {
        var route = routes.prompts().get(name);
        return Optional.ofNullable(route != null ? route : former.prompts().get(name));
    }

    /** Who has resources at all, listed or not, and can be asked now. */
    public List<BackendId> resourceBackends() {
        return routes.resourceBackends();
    }

    /**
     * Who has the resource: the backend that lists it, or else the one whose template fits it best.
     */
    public Optional<BackendId> resource(String uri) {
        var listed = routes.resources().get(uri);
        return listed != null ? Optional.of(listed) : template(uri);
    }

    private Optional<BackendId> template(String uri) {
        Template best = null;
        for (var template : templateRoutes) {
            boolean closer =
                    best == null || template.pattern().specificity() > best.pattern().specificity();
            if (template.text().equals(uri)) {
                return Optional.of(template.backend());
            } else if (closer && template.pattern().matches(uri)) {
                best = template;
            }
        }
        return Optional.ofNullable(best).map(Template::backend);
    }

    /**
     * The tools that no client sees or calls, by the names that tools made of tools use for them.
     */
    public Map<String, Route> hiddenTools() {
        return routes.hiddenTools();
    }

    /** What the backends want their client to know, if they do. */
    public Optional<String> instructions() {
        return instructions;
    }

    /** What is shown differently from its backend, or is not shown. */
    public List<Note> notes() {
        return notes;
    }

    /**
     * This surface for a session that has been shown {@code before}: tools and prompts that have
     * another name now may still be asked for, unlisted, by the name under which they were shown.
     */
    public Surface following(Surface before) {
        if (before.tools == tools && before.prompts == prompts && before.former.isEmpty()) {
            return this;
        }
        var next =
                new Former(
                        former(before.former.tools(), before.routes.tools(), routes.tools()),
                        former(before.former.prompts(), before.routes.prompts(), routes.prompts()));
        return next.isEmpty() ? this : new Surface(this, next);
    }

    private static Map<String, Route> former(
            Map<String, Route> earlier, Map<String, Route> before, Map<String, Route> now) {
        var former = new HashMap<>(earlier);
        former.putAll(before);
        former.keySet().removeIf(now::containsKey);
        former.values().retainAll(new HashSet<>(now.values()));
        return Map.copyOf(former);
    }
}
