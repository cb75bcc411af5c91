package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import tools.jackson.databind.JsonNode;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the keys of {@code aggregation} do, over two backends that share some names. */
class AggregationKeysTest {
    private static Stub a;
    private static Stub b;

    @TempDir Path folder;

    @BeforeAll
    static void start() {
        a = Stub.start(Map.of("NAME", "a", "TOOLS", "common,only.a", "PROMPTS", "talk,hello"));
        b = Stub.start(Map.of("NAME", "b", "TOOLS", "common,only.b", "PROMPTS", "talk"));
    }

    @AfterAll
    static void stop() {
        a.close();
        b.close();
    }

    private Heddle serve(String aggregation) {
        return Heddle.serve(
                folder,
                "backends: [{name: a, url: \""
                        + a.url()
                        + "\"}, {name: b, url: \""
                        + b.url()
                        + "\"}]\nsessions: {coldStart: 10s}\naggregation: "
                        + aggregation);
    }

    private static List<String> names(JsonNode list) {
        return list.valueStream().map(item -> item.path("name").asString("")).toList();
    }

    private static Optional<JsonNode> tool(RawClient session, String name) {
        return session.request("tools/list", "{}")
                .result()
                .path("tools")
                .valueStream()
                .filter(tool -> tool.path("name").asString("").equals(name))
                .findAny();
    }

    @Test
    @Shows({"aggregation.conflictResolution"})
    void auto_gives_prefixes_where_names_clash_and_only_there() {
        try (var heddle = serve("{conflictResolution: auto}")) {
            var session = heddle.client().initialize();
            assertThat(session.tools())
                    .contains("a_common", "b_common", "only.a", "only.b")
                    .doesNotContain("common", "a_only.a");
            assertThat(session.call("b_common", "{}").text()).isEqualTo("common of b");
        }
    }

    @Test
    @Shows({"aggregation.conflictResolutionConfig.prefixFormat", "aggregation.names"})
    void prefixes_have_the_configured_form_and_names_the_configured_characters() {
        try (var heddle =
                serve(
                        "{conflictResolution: prefix, names: model, conflictResolutionConfig:"
                                + " {prefixFormat: \"{workload}-x-\"}}")) {
            var session = heddle.client().initialize();
            assertThat(session.tools()).contains("a-x-common", "b-x-common");
            assertThat(session.tools()).allMatch(name -> name.matches("[A-Za-z0-9_-]{1,64}"));
            var dotted = session.tools().stream().filter(name -> name.contains("only")).toList();
            assertThat(dotted).hasSize(2);
            assertThat(session.call(dotted.getFirst(), "{}").text()).isEqualTo("only.a of a");
        }
    }

    @Test
    @Shows({"aggregation.conflictResolutionConfig.priorityOrder"})
    void priority_gives_a_contested_name_to_the_first_in_order() {
        try (var heddle =
                serve(
                        "{conflictResolution: priority,"
                                + " conflictResolutionConfig: {priorityOrder: [b, a]}}")) {
            var session = heddle.client().initialize();
            assertThat(session.tools()).containsOnlyOnce("common").contains("only.a");
            assertThat(session.call("common", "{}").text()).isEqualTo("common of b");
            assertThat(RawClient.text(heddle.endpoint().resolve("/status"))).contains("common");
        }
    }

    @Test
    @Shows({
        "aggregation.tools[].workload",
        "aggregation.tools[].filter",
        "aggregation.tools[].overrides.*.name",
        "aggregation.tools[].overrides.*.description",
        "aggregation.tools[].overrides.*.annotations.title",
        "aggregation.tools[].overrides.*.annotations.readOnlyHint",
        "aggregation.tools[].overrides.*.annotations.destructiveHint",
        "aggregation.tools[].overrides.*.annotations.idempotentHint",
        "aggregation.tools[].overrides.*.annotations.openWorldHint"
    })
    void tools_are_filtered_and_said_differently() {
        try (var heddle =
                serve(
                        """

                          conflictResolution: manual
                          tools:
                            - workload: a
                              filter: [shared, only.a, count]
                              overrides:
                                common: {name: shared}
                                only.a:
                                  description: said differently
                                count:
                                  annotations:
                                    title: Counts
                                    readOnlyHint: true
                                    destructiveHint: false
                                    idempotentHint: true
                                    openWorldHint: false
                            - {workload: b, filter: [common]}
                        """)) {
            var session = heddle.client().initialize();
            assertThat(session.tools())
                    .containsExactlyInAnyOrder("shared", "only.a", "count", "common");
            assertThat(session.call("shared", "{}").text()).isEqualTo("common of a");
            assertThat(session.call("common", "{}").text()).isEqualTo("common of b");
            assertThat(session.call("echo", "{}").errorCode()).isEqualTo(-32602);
            var described = tool(session, "only.a").orElseThrow();
            assertThat(described.path("description").asString("")).isEqualTo("said differently");
            assertThat(described.path("annotations").toString())
                    .isEqualTo("{\"title\":\"only.a\",\"openWorldHint\":true}");
            assertThat(tool(session, "count").orElseThrow().path("annotations").toString())
                    .isEqualTo(
                            "{\"title\":\"Counts\",\"readOnlyHint\":true,\"destructiveHint\":false,"
                                    + "\"idempotentHint\":true,\"openWorldHint\":false}");
        }
    }

    @Test
    @Shows({"aggregation.tools[].excludeAll", "aggregation.prompts[].excludeAll"})
    void what_one_backend_offers_can_be_hidden() {
        try (var heddle =
                serve(
                        "{tools: [{workload: a, excludeAll: true}],"
                                + " prompts: [{workload: a, excludeAll: true}]}")) {
            var session = heddle.client().initialize();
            assertThat(session.tools()).contains("only.b").doesNotContain("only.a");
            assertThat(session.call("only.a", "{}").errorCode()).isEqualTo(-32602);
            var prompts = session.request("prompts/list", "{}").result().path("prompts");
            assertThat(names(prompts)).doesNotContain("hello");
        }
    }

    @Test
    @Shows({
        "aggregation.prompts[].workload",
        "aggregation.prompts[].filter",
        "aggregation.prompts[].overrides.*.name",
        "aggregation.prompts[].overrides.*.description"
    })
    void prompts_are_filtered_and_said_differently() {
        try (var heddle =
                serve(
                        "{prompts: [{workload: a, filter: [chat], overrides:"
                                + " {talk: {name: chat, description: small talk}}}]}")) {
            var session = heddle.client().initialize();
            var prompts = session.request("prompts/list", "{}").result().path("prompts");
            assertThat(names(prompts)).containsExactlyInAnyOrder("chat", "talk");
            assertThat(prompts.toString()).contains("small talk");
            assertThat(
                            session.request("prompts/get", "{\"name\":\"chat\"}")
                                    .result()
                                    .path("description")
                                    .asString(""))
                    .isEqualTo("talk of a");
            assertThat(session.request("prompts/get", "{\"name\":\"hello\"}").errorCode())
                    .isEqualTo(-32602);
        }
    }

    @Test
    @Shows({"aggregation.excludeAllTools"})
    void all_tools_can_be_hidden() {
        try (var heddle = serve("{excludeAllTools: true}")) {
            var session = heddle.client().initialize();
            assertThat(session.tools()).isEmpty();
            assertThat(session.call("only.a", "{}").errorCode()).isEqualTo(-32602);
            assertThat(session.request("prompts/list", "{}").result().path("prompts")).isNotEmpty();
        }
    }

    @Test
    @Shows({"aggregation.defaultToolVisibility"})
    void what_nobody_mentions_can_be_hidden_by_default() {
        try (var heddle =
                serve(
                        "{defaultToolVisibility: deny, tools: [{workload: b, filter:"
                                + " [only.b]}]}")) {
            assertThat(heddle.client().initialize().tools()).containsExactly("only.b");
        }
    }
}
