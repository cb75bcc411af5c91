package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** No key of the configuration is inert: each has a test that shows what it does. */
class KeyCoverageTest {
    private static final Pattern ROW = Pattern.compile("\\| `([^`]+)` \\| (.*?) \\| .*");

    private static final List<Class<?>> TESTS =
            List.of(
                    AggregationKeysTest.class,
                    BackendKeysTest.class,
                    OperationKeysTest.class,
                    ServerKeysTest.class,
                    StorageKeysTest.class,
                    TransportTest.class,
                    LifeTest.class,
                    MainJobTest.class,
                    BadInputTest.class);

    @Test
    void every_documented_key_has_a_test_that_shows_its_effect() throws IOException {
        var documented =
                Files.readAllLines(Peers.ROOT.resolve("docs/configuration.md")).stream()
                        .map(ROW::matcher)
                        .filter(row -> row.matches() && !isContainer(row.group(2)))
                        .map(row -> row.group(1))
                        .collect(Collectors.toCollection(TreeSet::new));
        assertThat(documented).hasSizeGreaterThan(60);
        assertThat(shown()).isEqualTo(documented);
    }

    private static boolean isContainer(String type) {
        return type.equals("mapping") || type.equals("list");
    }

    private static Set<String> shown() {
        return TESTS.stream()
                .flatMap(test -> Arrays.stream(test.getDeclaredMethods()))
                .flatMap(method -> Optional.ofNullable(method.getAnnotation(Shows.class)).stream())
                .flatMap(shows -> Stream.of(shows.value()))
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
