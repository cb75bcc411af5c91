package dev.heddle.app.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.heddle.core.aggregation.AggregationRules.Alphabet;
import dev.heddle.core.aggregation.AggregationRules.Strategy;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.Target;
import dev.heddle.protocol.Json;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

class ConfigFileTest {
    private static final String JUDGE =
            """
            name: judge
            groupRef: judge
            backends: [{name: a, url: http://127.0.0.1:3101/mcp, transport: streamable-http}, {name: b, url: http://127.0.0.1:3102/mcp, transport: sse}]
            incomingAuth: {type: anonymous}
            outgoingAuth: {source: inline, default: {type: unauthenticated}}
            aggregation: {conflictResolution: prefix, conflictResolutionConfig: {prefixFormat: "{workload}_"}, tools: [{workload: a, filter: [x], overrides: {y: {name: x, description: X}}}]}
            operational: {timeouts: {default: 30s, perWorkload: {a: 45s}}, failureHandling: {healthCheckInterval: 30s, unhealthyThreshold: 3, partialFailureMode: best_effort, circuitBreaker: {enabled: true, failureThreshold: 5, timeout: 60s}}}
            sessionStorage: {provider: memory}
            """;

    @TempDir Path folder;

    private HeddleConfig parse(String yaml, Map<String, String> environment) {
        return ConfigFile.parse("f.yaml", yaml, folder, environment);
    }

    private HeddleConfig parse(String yaml) {
        return parse(yaml, Map.of());
    }

    private static <K, V> V need(Map<K, V> map, K key) {
        return Optional.ofNullable(map.get(key)).orElseThrow();
    }

    private List<String> problems(String yaml) {
        try {
            parse(yaml);
            return List.of();
        } catch (Problems.Invalid e) {
            return String.valueOf(e.getMessage()).lines().toList();
        }
    }

    @Test
    void an_empty_file_means_the_defaults() {
        var config = parse("");
        assertThat(config).isEqualTo(HeddleConfig.standard(List.of()));
        assertThat(config.server().port()).isEqualTo(4483);
        assertThat(config.sessions().limits().idle()).isEqualTo(Duration.ofMinutes(30));
        assertThat(config.sessions().coldStart()).isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void a_toolhive_file_loads_unchanged() {
        var config = parse(JUDGE);
        assertThat(config.name()).isEqualTo("judge");
        assertThat(config.groupRef()).contains("judge");
        assertThat(config.backends()).hasSize(2);
        var a = config.backends().getFirst();
        assertThat(a.target())
                .isEqualTo(
                        new Target.Remote(
                                URI.create("http://127.0.0.1:3101/mcp"),
                                Target.Wire.STREAMABLE_HTTP));
        assertThat(a.limits().silence()).isEqualTo(Duration.ofSeconds(45));
        assertThat(config.backends().get(1).limits().silence()).isEqualTo(Duration.ofSeconds(30));
        assertThat(config.aggregation().strategy()).isEqualTo(new Strategy.Prefix("{workload}_"));
        assertThat(need(config.aggregation().tools(), new BackendId("a")).overrides())
                .containsKey("y");
        assertThat(config.operation().health().breakerThreshold()).isEqualTo(OptionalInt.of(5));
        assertThat(config.operation().allOrNothing()).isFalse();
    }

    @Test
    void every_key_reaches_its_place() {
        var config =
                parse(
                        """
                        name: n
                        metadata: {k: v}
                        backends:
                          - name: c
                            command: prog
                            args: [a, b]
                            env: {K: v}
                            cwd: /tmp
                            shared: true
                            processes: 3
                            idleStop: 10s
                            timeout: 20s
                            openTimeout: 40s
                            openings: 7
                            metadata: {team: x}
                          - {name: h, url: "https://h/mcp", transport: http, headers: {X-A: b}}
                        incomingAuth: {type: local}
                        outgoingAuth:
                          default: {type: header_injection, headerInjection: {headerName: X-K, headerValue: v}}
                          backends: {c: {type: unauthenticated}}
                        aggregation:
                          conflictResolution: priority
                          conflictResolutionConfig: {priorityOrder: [h, c]}
                          names: model
                          excludeAllTools: true
                          defaultToolVisibility: deny
                          tools:
                            - {workload: c, excludeAll: true, overrides: {t: {annotations: {title: T, readOnlyHint: true}}}}
                            - {workload: h}
                          prompts: [{workload: c, filter: [p]}]
                        operational:
                          logLevel: debug
                          failureHandling: {healthCheckInterval: 5s, healthCheckTimeout: 1s, unhealthyThreshold: 9, statusReportingInterval: 7s, partialFailureMode: fail}
                        sessions: {ttl: 1m, lifetime: 1h, max: 5, maxPerOwner: 2, openings: 4, coldStart: 3s}
                        server: {host: 0.0.0.0, port: 1, path: /x, allowAnonymousRemote: true, allowedHosts: [h], allowedOrigins: ["https://o"], maxBody: 2048, maxHeader: 4096, maxConnections: 9, keepAlive: 1s, io: nio}
                        catalogs: {keep: false}
                        """);
        var command = config.backends().getFirst();
        assertThat(command.target())
                .isEqualTo(
                        new Target.Command(
                                List.of("prog", "a", "b"),
                                Map.of("K", "v"),
                                Optional.of(Path.of("/tmp")),
                                true,
                                3,
                                Duration.ofSeconds(10)));
        assertThat(command.limits().silence()).isEqualTo(Duration.ofSeconds(20));
        assertThat(command.limits().open()).isEqualTo(Duration.ofSeconds(40));
        assertThat(command.limits().openings()).isEqualTo(7);
        assertThat(command.auth().type()).isEqualTo("unauthenticated");
        assertThat(config.backends().get(1).auth().settings()).containsEntry("headerName", "X-K");
        assertThat(config.backends().get(1).headers()).containsEntry("X-A", "b");
        assertThat(config.backendMetadata()).containsEntry("c", Map.of("team", "x"));
        assertThat(config.incoming()).isEqualTo(HeddleConfig.Incoming.LOCAL);
        var rules = config.aggregation();
        assertThat(rules.alphabet()).isEqualTo(Alphabet.MODEL);
        assertThat(rules.hideAllTools()).isTrue();
        assertThat(rules.denyByDefault()).isTrue();
        assertThat(need(need(rules.tools(), new BackendId("c")).overrides(), "t").annotations())
                .containsEntry("title", Json.of("T"))
                .containsEntry("readOnlyHint", Json.TRUE);
        assertThat(rules.prompts()).containsKey(new BackendId("c"));
        assertThat(config.operation().logLevel()).contains("debug");
        assertThat(config.operation().statusInterval()).isEqualTo(Duration.ofSeconds(7));
        assertThat(config.operation().allOrNothing()).isTrue();
        assertThat(config.operation().health().unhealthyThreshold()).isEqualTo(9);
        assertThat(config.sessions().limits().lifetime()).contains(Duration.ofHours(1));
        assertThat(config.sessions().limits().perOwner()).isEqualTo(2);
        assertThat(config.sessions().openings()).isEqualTo(4);
        assertThat(config.server().io()).isEqualTo("nio");
        assertThat(config.server().allowedHosts()).containsExactly("h");
        assertThat(config.catalogs().folder()).isEmpty();
    }

    @Test
    void all_problems_are_told_at_once_with_their_lines_in_order() {
        assertThat(
                        problems(
                                """
                                nmae: x
                                backends:
                                  - name: a
                                    url: ftp://x
                                  - url: http://y
                                operational:
                                  failureHandling:
                                    unhealthyThreshold: many
                                    partialFailureMode: bestEffort
                                """))
                .containsExactly(
                        "f.yaml:1: nmae: unknown key (expected: one of name, groupRef, metadata,"
                            + " backends, incomingAuth, outgoingAuth, aggregation, operational,"
                            + " sessionStorage, sessions, server, catalogs); did you mean 'name'?",
                        "f.yaml:4: backends[0].url: found 'ftp://…' (expected: an http:// or"
                                + " https:// URL with a legal port, without user or password (for"
                                + " those, see headers))",
                        "f.yaml:5: backends[1]: name: found nothing (expected: the backend's name)",
                        "f.yaml:8: operational.failureHandling.unhealthyThreshold: found 'many'"
                                + " (expected: a whole number from 1 to 1000000)",
                        "f.yaml:9: operational.failureHandling.partialFailureMode: found"
                                + " 'bestEffort' (expected: one of fail, best_effort)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "optimizer: {} | optimizer: is for a feature that this version does not have",
                "sessionStorage: {provider: etcd} | found 'etcd' (expected: one of memory, redis)",
                "sessionStorage: {provider: redis} | sessionStorage.address: found nothing"
                        + " (expected: host:port)",
                "sessionStorage: {provider: redis, address: h} | sessionStorage.keys: found"
                        + " nothing (expected: a secret of 32 characters or more",
                "sessionStorage: {provider: redis, address: h, keys: [short]} | found a secret"
                        + " that is too short",
                "sessionStorage: {provider: redis, address: h, format: plain, keys: [short]} |"
                        + " none, since format is plain",
                "sessionStorage: {provider: redis, address: 'h:0', format: plain} | found 'h:0'",
                "sessionStorage: {provider: redis, address: 'h,i', format: plain} | found 'h,i'",
                "sessionStorage: {provider: redis, address: h, mode: sentinel, format: plain} |"
                        + " what the sentinels call the master",
                "sessionStorage: {provider: redis, address: h, mode: cluster, db: 1, format: plain}"
                        + " | 0, since a cluster has no other",
                "sessionStorage: {provider: redis, address: h, username: u, format: plain} | a"
                        + " password beside it",
                "sessionStorage: {provider: redis, address: h, keyPrefix: x, format: plain} | text"
                        + " that ends with ':'",
                "sessionStorage: {provider: redis, address: h, lostState: x, format: plain} | found"
                        + " 'x' (expected: one of error, log)",
                "sessionStorage: {provider: redis, address: h, whenAway: x, format: plain} | found"
                        + " 'x' (expected: one of refuse, local)",
                "sessionStorage: {provider: redis, address: h, nodePort: 70000, format: plain} |"
                        + " found '70000'",
                "'sessions: {ttl: 1m}\nsessionStorage: {provider: redis, address: h, patience: 2m,"
                        + " format: plain}' | found '2m' (expected: no more than sessions.ttl has)",
                "incomingAuth: {type: oidc} | found 'oidc', which this version does not have",
                "backends: [{name: a, url: 'http://x', command: y}] | found both url and command",
                "backends: [{name: a}] | found neither url nor command",
                "backends: [{name: a, url: 'http://x'}, {name: a, url: 'http://y'}] | found 'a' a"
                        + " second time",
                "backends: [{name: a, url: 'http://x', headers: {'Bad Name': v}}] | the name of an"
                        + " HTTP header",
                "backends: [{name: a, url: 'http://x', headers: {Host: v}}] | does not belong to"
                        + " the connection",
                "backends: [{name: a, url: 'http://x', args: [b]}] | beside command only",
                "backends: [{name: a, url: 'https://x', type: entry, caBundlePath: rel.pem}] | an"
                        + " absolute path",
                "backends: {} | found a mapping (expected: a list)",
                "'name: [1]' | found a list (expected: text)",
                "'a: 1\na: 2' | found the key a second time",
                "'name: \"x' | no legal YAML",
                "'a: &a [*a]' | found an alias of itself",
                "aggregation: {conflictResolution: manual} | without any override",
                "aggregation: {conflictResolution: priority} | found nothing (expected: backend"
                        + " ids",
                "'aggregation: {conflictResolution: prefix, conflictResolutionConfig:"
                        + " {prefixFormat: x}}' | text with {workload} in it",
                "'aggregation: {tools: [{workload: a}, {workload: a}]}' | a second time",
                "'aggregation: {tools: [{workload: a, overrides: {x: {}}}]}' | nothing that is said"
                        + " differently",
                "'operational: {failureHandling: {healthCheckInterval: 5s, healthCheckTimeout:"
                        + " 5s}}' | less than the healthCheckInterval",
                "'operational: {timeouts: {perWorkload: {a: soon}}}' | a time such as 45s",
                "server: {path: mcp} | a path such as /mcp",
                "'server: {allowedOrigins: [\"https://app/\"]}' | without a path, or *",
                "'server: {allowedHosts: [\"https://gw\"]}' | a name, perhaps with a port",
                "'backends: [{name: a, url: \"http://127.0.0.1:99999/mcp\"}]' | a legal port",
                "'backends: [{name: a, url: \"http://u:sk-live@h/mcp\"}]' | without user or"
                        + " password",
                "'backends: [{name: a, url: \"https://h/mcp\", type: entry, caBundlePath:"
                        + " /etc/passwd}]' | which cannot be read as certificates",
                "server: {port: 70000} | a whole number from 0 to 65535",
                "'outgoingAuth: {default: {type: token_exchange}}' | which this version does not"
                        + " have",
                "'outgoingAuth: {default: {type: header_injection}}' | the name of an HTTP header",
                "name: ${NOWHERE} | the environment has no NOWHERE",
                "name: ${file:nofile} | that file cannot be read"
            })
    void bad_input_names_what_was_found_and_what_was_expected(String yaml, String expected) {
        assertThat(problems(yaml)).isNotEmpty().anyMatch(line -> line.contains(expected));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "backends: [{name: a, url: \"ws://u:sk-live-1@h\"}]",
                "backends: [{name: a, url: \"https://u:sk-live-1@${HOST:-h}/mcp\"}]",
                "backends: [{name: a, url: \"u:sk-live-1@h/mcp\"}]",
                "backends: [{name: a, url: \"http://x\", headers: sk-live-1}]",
                "backends: [{name: a, command: x, args: --key sk-live-1}]",
                "backends: [{name: a, command: x, env: sk-live-1}]",
                "outgoingAuth: {default: {type: header_injection, headerInjection: sk-live-1}}"
            })
    void what_may_be_a_secret_is_not_shown(String yaml) {
        assertThat(problems(yaml)).isNotEmpty().noneMatch(line -> line.contains("sk-live-1"));
    }

    @Test
    void nesting_without_end_is_a_problem_like_any_other() {
        assertThat(problems("a: " + "[".repeat(100_000))).isNotEmpty();
    }

    @Test
    void a_tilde_is_the_home_folder() {
        assertThat(parse("catalogs: {folder: ~/hd}").catalogs().folder())
                .contains(Path.of(System.getProperty("user.home"), "hd"));
    }

    @Test
    void references_are_put_in_and_never_shown_in_errors() throws IOException {
        Files.writeString(folder.resolve("token"), "from-file\n");
        var environment = Map.of("TOKEN", "hunter2");
        var config =
                parse(
                        "backends: [{name: a, url: 'http://x', headers: {A: 'Bearer ${TOKEN}', B:"
                                + " '${file:token}', C: '${NO:-std}', D: '$$x'}}]",
                        environment);
        assertThat(config.backends().getFirst().headers())
                .containsEntry("A", "Bearer hunter2")
                .containsEntry("B", "from-file")
                .containsEntry("C", "std")
                .containsEntry("D", "$x");
        assertThatThrownBy(() -> parse("backends: [{name: a, url: '${TOKEN}'}]", environment))
                .hasMessageContaining("${TOKEN}")
                .hasMessageNotContaining("hunter2");
        assertThat(config.toString()).doesNotContain("X-K: ");
    }

    @Test
    void names_that_are_changed_are_still_meant_by_the_rest_of_the_file() {
        var config =
                parse(
                        """
                        backends: [{name: my backend, url: "http://x"}]
                        outgoingAuth: {backends: {my backend: {type: header_injection, headerInjection: {headerName: A, headerValue: b}}}}
                        operational: {timeouts: {perWorkload: {my backend: 5s}}}
                        """);
        var backend = config.backends().getFirst();
        assertThat(backend.id()).isEqualTo(new BackendId("my-backend"));
        assertThat(backend.auth().type()).isEqualTo("header_injection");
        assertThat(backend.limits().silence()).isEqualTo(Duration.ofSeconds(5));
    }

    @Test
    void the_starter_file_is_valid() {
        assertThat(parse(Starter.empty()).backends()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({"30s,30000", "1h30m,5400000", "500ms,500", "1.5s,1500", "0,0"})
    void times_are_read_as_go_writes_them(String text, long millis) {
        assertThat(Durations.parse(text)).contains(Duration.ofMillis(millis));
        assertThat(Durations.parse(Durations.format(Duration.ofMillis(millis))))
                .contains(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @CsvSource({"30", "s", "1x", "-5s", "5 s"})
    void what_is_no_time_is_refused(String text) {
        assertThat(Durations.parse(text)).isEmpty();
    }
}
