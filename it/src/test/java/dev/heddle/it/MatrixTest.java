package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.it.Matrix.Cell;
import dev.heddle.it.Matrix.Kind;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Whatever works directly works through the gateway, whatever the two ends speak. */
class MatrixTest {
    private static final Path PAGE = Peers.ROOT.resolve("docs/compatibility.md");

    @TempDir private static Path folder;
    private static Matrix matrix;
    private static final Map<String, List<Cell>> FOUND = new LinkedHashMap<>();

    @BeforeAll
    static void ask() {
        matrix = new Matrix();
        try (var heddle = Heddle.serve(folder, matrix.config())) {
            var mcp = heddle.endpoint();
            for (var revision : Matrix.REVISIONS) {
                boolean old = revision.equals("2024-11-05");
                var url = old ? mcp.resolve("/sse") : mcp;
                var cells = Matrix.through(revision, old ? "sse" : "http", url.toString());
                FOUND.put(revision, cells);
            }
        }
    }

    @AfterAll
    static void end() {
        matrix.close();
    }

    static List<Kind> kinds() {
        return Kind.all();
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void a_client_without_a_gateway_finds_everything(Kind kind) {
        assertFull(kind.revision(), Matrix.direct(kind), kind.revision());
    }

    @ParameterizedTest
    @FieldSource("dev.heddle.it.Matrix#REVISIONS")
    void a_client_finds_the_same_through_the_gateway(String revision) {
        for (var kind : Kind.all()) {
            var cells =
                    FOUND.get(revision).stream()
                            .filter(cell -> cell.server().equals(kind.name()))
                            .toList();
            assertFull(revision, cells, kind.revision());
        }
    }

    @ParameterizedTest
    @FieldSource("dev.heddle.it.Matrix#REVISIONS")
    void a_client_that_starts_the_gateway_itself_finds_the_same(String revision)
            throws IOException {
        var file = folder.resolve("stdio.yaml");
        Files.writeString(
                file,
                matrix.config().replace("incomingAuth: {type: local}", "")
                        + "catalogs: {folder: "
                        + folder.resolve("catalogs")
                        + "}\n");
        var command = Heddle.command("stdio", "--config", file.toString());
        var cells =
                Matrix.through(revision, "stdio", JsonMapper.shared().writeValueAsString(command));
        for (var kind : Kind.all()) {
            assertFull(
                    revision,
                    cells.stream().filter(cell -> cell.server().equals(kind.name())).toList(),
                    kind.revision());
        }
    }

    /** Dozens of clients of all revisions do at random what they can, and leave in the middle. */
    @Test
    void every_message_reaches_the_client_that_it_belongs_to_and_no_other() {
        try (var heddle = Heddle.serve(folder, matrix.config())) {
            var cells = Matrix.crowd(25, heddle.endpoint().toString());
            assertThat(cells).hasSize(25);
            assertThat(cells).allSatisfy(cell -> assertThat(cell.outcome()).isEqualTo("ok"));
        }
    }

    private static void assertFull(String client, List<Cell> cells, String server) {
        assertThat(cells).extracting(Cell::feature).containsExactlyElementsOf(Matrix.FEATURES);
        for (var cell : cells) {
            if (Matrix.isImpossible(client, server, cell.feature())) {
                assertThat(cell.outcome()).contains("no elicitation");
            } else {
                assertThat(cell.outcome()).as(cell.toString()).isEqualTo("ok");
            }
        }
    }

    @Test
    void the_page_shows_what_was_found() throws IOException {
        var page = Matrix.page(FOUND);
        if (System.getProperty("write-docs") != null) {
            Files.writeString(PAGE, page);
        }
        assertThat(Files.readString(PAGE)).isEqualTo(page);
    }
}
