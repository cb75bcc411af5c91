package dev.heddle.app.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.Target;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

class ClientFileTest {
    @TempDir Path folder;

    private List<Backend> parse(String json) {
        var environment = Map.of("TOKEN", "secret", "API_KEY", "answer");
        return ClientFile.parse("mcp.json", json, folder, environment);
    }

    @Test
    void reads_what_claude_and_cursor_write_comments_included() throws IOException {
        Files.writeString(folder.resolve(".env"), "# a comment\nexport A=1\nB=\"two\"\n");
        var backends =
                parse(
                        """
                        {
                          // servers
                          "mcpServers": {
                            "files": {"command": "npx", "args": ["-y", "x"], "env": {"T": "${TOKEN}"}, "envFile": ".env", "alwaysAllow": []},
                            "remote": {"url": "https://x/mcp", "type": "http", "headers": {"Authorization": "Bearer ${env:TOKEN}"}},
                            "old": {"url": "https://x/sse", "type": "sse"},
                            "off": {"command": "x", "disabled": true},
                          }
                        }
                        """);
        assertThat(backends)
                .extracting(Backend::id)
                .containsExactly(
                        new BackendId("files"), new BackendId("remote"), new BackendId("old"));
        assertThat(((Target.Command) backends.get(0).target()).env())
                .isEqualTo(Map.of("T", "secret", "A", "1", "B", "two"));
        assertThat(backends.get(1).headers()).containsEntry("Authorization", "Bearer secret");
        assertThat(((Target.Remote) backends.get(2).target()).wire()).isEqualTo(Target.Wire.SSE);
    }

    @Test
    void reads_what_vs_code_writes_and_takes_inputs_from_the_environment() {
        var backends =
                parse(
                        """
                        {"inputs": [{"id": "api-key"}], "servers": {"a": {"type": "stdio", "command": "x", "env": {"K": "${input:api-key}"}}}}
                        """);
        assertThat(((Target.Command) backends.getFirst().target()).env())
                .containsEntry("K", "answer");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"servers\":{\"a\":{\"command\":\"x\",\"env\":{\"K\":\"${input:other}\"}}}} | the"
                        + " environment has no OTHER to answer it",
                "{\"mcpServers\":{\"a\":{\"command\":\"x\",\"args\":[\"${workspaceFolder:x}\"]}}} |"
                        + " which is not supported",
                "{\"mcpServers\":{\"a\":{}}} | neither command nor url",
                "{\"mcpServers\":{\"a\":{\"url\":\"ftp://x\"}}} | found 'ftp://…'",
                "{\"mcpServers\":{\"a\":{\"command\":\"\"}}} | expected: a program",
                "{\"mcpServers\":{\"a\":{\"url\":\"http://x\",\"type\":\"stdio\"}}} | http or sse"
                        + " beside a url",
                "{\"other\":{}} | neither mcpServers nor servers",
                "[] | an object with mcpServers or servers",
                "{ | no legal JSON"
            })
    void bad_input_names_what_was_found_and_what_was_expected(String json, String expected) {
        assertThatThrownBy(() -> parse(json))
                .isInstanceOf(Problems.Invalid.class)
                .hasMessageContaining(expected);
    }

    @Test
    void a_converted_file_is_valid_and_keeps_references() throws IOException {
        var file = folder.resolve("mcp.json");
        Files.writeString(
                file,
                "{\"mcpServers\":{\"a"
                    + " b\":{\"command\":\"x\",\"args\":[\"-y\"],\"env\":{\"T\":\"${TOKEN}\"}},\"r\":{\"url\":\"http://x\",\"type\":\"sse\"},\"off\":{\"command\":\"x\",\"disabled\":true}}}");
        var yaml = Starter.from(file);
        assertThat(yaml).contains("${TOKEN}").doesNotContain("secret");
        var config = ConfigFile.parse("f.yaml", yaml, folder, Map.of("TOKEN", "secret"));
        assertThat(config.backends())
                .extracting(backend -> backend.id().value())
                .containsExactly("a-b", "r");
    }

    @Test
    void a_converted_file_has_the_variables_of_env_files_and_names_of_its_own() throws IOException {
        Files.writeString(folder.resolve(".env"), "# keys\nexport A=a${b}$$c\nB='quoted'\n");
        var file = folder.resolve("mcp.json");
        Files.writeString(
                file,
                """
                \uFEFF{"mcpServers": {
                  "a b": {"command": "x", "envFile": ".env", "env": {"B": "own", "C": null, "D": "$$x"}},
                  "a-b": {"command": "y", "args": null, "env": null}
                }}
                """);
        var config = ConfigFile.parse("f.yaml", Starter.from(file), folder, Map.of());
        assertThat(config.backends())
                .extracting(backend -> backend.id().value())
                .containsExactly("a-b", "a-b-2");
        assertThat(((Target.Command) config.backends().getFirst().target()).env())
                .containsExactlyInAnyOrderEntriesOf(
                        Map.of("A", "a${b}$$c", "B", "own", "D", "$$x"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"command\":\"x\",\"args\":\"y\"} | a.args: found text (expected: a list)",
                "{\"command\":[\"npx\"]} | a.command: found a list (expected: text)",
                "{\"command\":\"${workspaceFolder}/x\"} | a reference that only an editor knows",
                "{\"command\":\"x\",\"envFile\":\"nowhere\"} | which cannot be read",
                "{\"type\":\"http\"} | neither command nor url"
            })
    void what_cannot_be_converted_is_told_and_not_left_out(String entry, String expected)
            throws IOException {
        var file = folder.resolve("mcp.json");
        Files.writeString(file, "{\"mcpServers\":{\"a\":" + entry + "}}");
        assertThatThrownBy(() -> Starter.from(file))
                .isInstanceOf(Problems.Invalid.class)
                .hasMessageContaining(expected);
    }

    @Test
    void quick_targets_are_named_after_host_or_package_and_numbered_on_a_clash() {
        var backends =
                QuickTargets.parse(
                        List.of(
                                "http://127.0.0.1:3101/mcp",
                                "npx -y @modelcontextprotocol/server-everything",
                                "npx -y @modelcontextprotocol/server-everything@1.0",
                                "mine=python3 'my server.py' --flag",
                                "docker run -i --rm -e API_KEY=sk-secret-123 mcp/fetch"));
        assertThat(backends)
                .extracting(backend -> backend.id().value())
                .containsExactly("127.0.0.1", "everything", "everything-2", "mine", "fetch");
        assertThat(((Target.Command) backends.get(3).target()).argv())
                .containsExactly("python3", "my server.py", "--flag");
        assertThatThrownBy(() -> QuickTargets.parse(List.of("")))
                .isInstanceOf(Problems.Invalid.class);
        assertThatThrownBy(() -> QuickTargets.parse(List.of("a=x", "a=y")))
                .hasMessageContaining("a second time");
    }
}
