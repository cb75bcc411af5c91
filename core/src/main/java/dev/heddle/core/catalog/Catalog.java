package dev.heddle.core.catalog;

import dev.heddle.core.backend.Introduction;
import dev.heddle.protocol.Digest;
import dev.heddle.protocol.Json;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What one backend offers to one kind of client. Immutable and shared by all sessions that see it.
 *
 * @param lifetime how long the backend says that it will offer the same, if it says so
 * @param lists a digest of what is listed, however the backend introduces itself
 * @param digest equal for catalogs that offer the same
 */
public record Catalog(
        Introduction introduction,
        List<Entry> tools,
        List<Entry> resources,
        List<Entry> templates,
        List<Entry> prompts,
        Optional<Duration> lifetime,
        String lists,
        String digest) {

    /**
     * One thing that is offered: its name, URI or URI template, and the object in which the backend
     * describes it.
     */
    public record Entry(String key, Json json) {}

    public Catalog(
            Introduction introduction,
            List<Entry> tools,
            List<Entry> resources,
            List<Entry> templates,
            List<Entry> prompts) {
        this(introduction, tools, resources, templates, prompts, Optional.empty());
    }

    Catalog(
            Introduction introduction,
            List<Entry> tools,
            List<Entry> resources,
            List<Entry> templates,
            List<Entry> prompts,
            Optional<Duration> lifetime) {
        var lists = digest(List.of(tools, resources, templates, prompts));
        this(
                introduction,
                List.copyOf(tools),
                List.copyOf(resources),
                List.copyOf(templates),
                List.copyOf(prompts),
                lifetime,
                lists,
                digest(introduction, lists));
    }

    /** The tool called {@code name} as the backend lists it. */
    public Optional<Json> tool(String name) {
        for (var tool : tools) {
            if (tool.key().equals(name)) {
                return Optional.of(tool.json());
            }
        }
        return Optional.empty();
    }

    private static String digest(Introduction introduction, String lists) {
        return new Digest()
                .add(introduction.revision().text())
                .add(introduction.capabilities())
                .add(introduction.instructions().orElse(""))
                .add(lists)
                .name();
    }

    private static String digest(List<List<Entry>> lists) {
        var digest = new Digest();
        for (var list : lists) {
            digest.add(Integer.toString(list.size()));
            list.forEach(entry -> digest.add(entry.json()));
        }
        return digest.name();
    }
}
