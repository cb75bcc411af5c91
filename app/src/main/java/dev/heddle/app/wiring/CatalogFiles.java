package dev.heddle.app.wiring;

import dev.heddle.core.backend.Introduction;
import dev.heddle.core.catalog.Catalog;
import dev.heddle.core.catalog.CatalogKey;
import dev.heddle.core.catalog.Catalogs;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Revision;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps the last catalog of each backend in a file, so that after a restart {@code initialize} need
 * not wait for anybody. Each file is replaced as a whole. Thread-safe.
 */
final class CatalogFiles {
    private static final Logger log = LoggerFactory.getLogger(CatalogFiles.class);
    private static final String VERSION = "1";

    private final Path folder;
    private final Map<Path, String> written = new ConcurrentHashMap<>();

    CatalogFiles(Path folder) {
        this.folder = folder;
    }

    /** Makes known what was kept for {@code key}. */
    void loadInto(Catalogs catalogs, CatalogKey key) {
        var file = file(key);
        if (Files.isRegularFile(file)) {
            read(file)
                    .ifPresentOrElse(
                            catalog -> catalogs.publish(key, catalog),
                            () -> log.info("{} is not used", file));
        }
    }

    /** Keeps what a backend offers. Blocks. */
    void save(CatalogKey key, Catalog catalog) {
        var file = file(key);
        if (catalog.digest().equals(written.put(file, catalog.digest()))) {
            return;
        }
        try {
            Files.createDirectories(folder);
            var owner =
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rw-------"));
            var fresh = Files.createTempFile(folder, "catalog", ".tmp", owner);
            Files.write(fresh, json(catalog).bytes());
            Files.move(
                    fresh,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            log.warn("cannot keep what backend '{}' offers: {}", key.backend(), e.getMessage());
        }
    }

    private Path file(CatalogKey key) {
        return folder.resolve(key.backend() + "-" + key.place() + "-" + key.clientKind() + ".json");
    }

    private static Json json(Catalog catalog) {
        var introduction = catalog.introduction();
        return Json.object(
                file -> {
                    file.put("version", VERSION)
                            .put("revision", introduction.revision().text())
                            .put("capabilities", introduction.capabilities())
                            .put("serverInfo", introduction.serverInfo());
                    introduction.instructions().ifPresent(text -> file.put("instructions", text));
                    file.put("tools", entries(catalog.tools()))
                            .put("resources", entries(catalog.resources()))
                            .put("templates", entries(catalog.templates()))
                            .put("prompts", entries(catalog.prompts()));
                });
    }

    private static Json entries(List<Catalog.Entry> entries) {
        return Json.array(entries.stream().map(Catalog.Entry::json).toList());
    }

    private static Optional<Catalog> read(Path file) {
        try {
            var json = Json.parse(Files.readAllBytes(file));
            var revision = json.text("revision").flatMap(Revision::of);
            if (!json.text("version").equals(Optional.of(VERSION)) || revision.isEmpty()) {
                return Optional.empty();
            }
            var introduction =
                    new Introduction(
                            revision.get(),
                            json.get("capabilities").orElse(Json.EMPTY_OBJECT),
                            json.get("serverInfo").orElse(Json.EMPTY_OBJECT),
                            json.text("instructions"));
            return Optional.of(
                    new Catalog(
                            introduction,
                            entries(json, "tools", "name"),
                            entries(json, "resources", "uri"),
                            entries(json, "templates", "uriTemplate"),
                            entries(json, "prompts", "name")));
        } catch (IOException | MalformedJson e) {
            return Optional.empty();
        }
    }

    private static List<Catalog.Entry> entries(Json json, String list, String key) {
        return json.get(list).orElse(Json.EMPTY_ARRAY).elements().stream()
                .flatMap(
                        entry ->
                                entry
                                        .text(key)
                                        .map(name -> new Catalog.Entry(name, entry))
                                        .stream())
                .toList();
    }
}
