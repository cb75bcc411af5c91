package dev.heddle.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What a client may get is said, and nothing else. */
class FailuresDocumentTest {
    private static final Path DOCUMENT =
            Path.of(System.getProperty("heddle.root"), "docs", "failures.md");
    private static final Pattern FAULT = Pattern.compile("`[A-Z]\\w+`");
    private static final Pattern REASON = Pattern.compile("`[a-z_]+`");

    /** What the rows of all tables begin with. */
    private static Set<String> named(Pattern pattern) throws IOException {
        try (var lines = Files.lines(DOCUMENT)) {
            return sorted(
                    lines.filter(line -> line.startsWith("| "))
                            .map(line -> line.split(" \\| ", 2)[0])
                            .flatMap(cell -> pattern.matcher(cell).results())
                            .map(MatchResult::group)
                            .map(text -> text.replace("`", "")));
        }
    }

    private static Set<String> sorted(Stream<String> names) {
        return names.collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void every_fault_has_a_row() throws IOException {
        var faults = Arrays.stream(Fault.class.getPermittedSubclasses()).map(Class::getSimpleName);
        assertThat(named(FAULT)).isEqualTo(sorted(faults));
    }

    @Test
    void every_reason_for_which_a_backend_fails_has_a_row() throws IOException {
        var reasons = Arrays.stream(Reason.values()).map(Reason::name);
        assertThat(named(REASON))
                .isEqualTo(sorted(reasons.map(name -> name.toLowerCase(Locale.ROOT))));
    }
}
