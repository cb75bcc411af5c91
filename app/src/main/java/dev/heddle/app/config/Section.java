package dev.heddle.app.config;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * A mapping of a configuration file that is being read: it gives the values of known keys, and
 * complains about the rest.
 *
 * <p>Whatever is wrong is noted and replaced by nothing, so that reading goes on and finds the
 * other problems too. Confined to one thread.
 */
final class Section {
    private final Keys keys;
    private final String pattern;
    private final String path;
    private final int line;
    private final Map<String, Node.Member> members;
    private final References references;
    private final Problems problems;
    private final Map<String, Section> sections = new HashMap<>();

    private Section(
            Keys keys,
            String pattern,
            String path,
            int line,
            Map<String, Node.Member> members,
            References references,
            Problems problems) {
        this.keys = keys;
        this.pattern = pattern;
        this.path = path;
        this.line = line;
        this.members = members;
        this.references = references;
        this.problems = problems;
    }

    /** The whole file. */
    static Section root(Keys keys, Node node, References references, Problems problems) {
        var section = of(keys, "", "", node, references, problems);
        section.refuseUnknown();
        return section;
    }

    private static Section of(
            Keys keys,
            String pattern,
            String path,
            Node node,
            References references,
            Problems problems) {
        if (!(node instanceof Node.Members) && !(node instanceof Node.Absent)) {
            problems.add(node.line(), path, node.shape(), "a mapping");
        }
        var members =
                node instanceof Node.Members(var found, _) ? found : Map.<String, Node.Member>of();
        return new Section(keys, pattern, path, node.line(), members, references, problems);
    }

    private void refuseUnknown() {
        var known = keys.below(pattern);
        members.forEach(
                (key, member) -> {
                    if (keys.isLater(join(pattern, key))) {
                        problems.add(
                                member.line(),
                                join(path, key),
                                "is for a feature that this version does not have");
                    } else if (!known.contains(key)) {
                        var hint =
                                nearest(key, known)
                                        .map(name -> "; did you mean '" + name + "'?")
                                        .orElse("");
                        problems.add(
                                member.line(),
                                join(path, key),
                                "unknown key (expected: one of "
                                        + String.join(", ", known)
                                        + ")"
                                        + hint);
                    }
                });
    }

    private static Optional<String> nearest(String key, List<String> known) {
        return known.stream()
                .filter(
                        name ->
                                distance(
                                                key.toLowerCase(Locale.ROOT),
                                                name.toLowerCase(Locale.ROOT))
                                        <= Math.max(2, name.length() / 3))
                .min((a, b) -> distance(key, a) - distance(key, b));
    }

    /** The number of single-letter changes that turn {@code a} into {@code b}. */
    private static int distance(String a, String b) {
        var row = new int[b.length() + 1];
        Arrays.setAll(row, i -> i);
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }

    private static String join(String path, String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    String path() {
        return path;
    }

    /**
     * The value of {@code key} as it stands in the file: references are not put in, so that no
     * secret is shown.
     */
    String shown(String key) {
        return value(key).describe();
    }

    /** Notes a problem with the section as a whole. */
    void complain(String text) {
        problems.add(line, path, text);
    }

    /** Notes a problem with the value of {@code key}. */
    void complain(String key, String what, String expected) {
        var member = members.get(key);
        problems.add(member == null ? line : member.line(), join(path, key), what, expected);
    }

    boolean has(String key) {
        return members.containsKey(key) && !(value(key) instanceof Node.Absent);
    }

    private Node value(String key) {
        keys.require(join(pattern, key));
        var member = members.get(key);
        return member == null ? new Node.Absent(line) : member.value();
    }

    Section section(String key) {
        return sections.computeIfAbsent(key, this::readSection);
    }

    private Section readSection(String key) {
        var section =
                of(keys, join(pattern, key), join(path, key), value(key), references, problems);
        section.refuseUnknown();
        return section;
    }

    /** A variable of the environment, unless it is empty. */
    Optional<String> environment(String name) {
        return references.variable(name).filter(value -> !value.isEmpty());
    }

    /** The mappings in a list. */
    List<Section> sections(String key) {
        var sections = new ArrayList<Section>();
        for (var item : items(key)) {
            var at = join(path, key) + "[" + sections.size() + "]";
            var section = of(keys, join(pattern, key) + "[]", at, item, references, problems);
            section.refuseUnknown();
            sections.add(section);
        }
        return sections;
    }

    /** The mappings in a mapping whose keys are names that the user chooses. */
    Map<String, Section> named(String key) {
        var sections = new LinkedHashMap<String, Section>();
        var inner = of(keys, join(pattern, key), join(path, key), value(key), references, problems);
        inner.members.forEach(
                (name, member) -> {
                    var section =
                            of(
                                    keys,
                                    join(pattern, key) + ".*",
                                    join(inner.path, name),
                                    member.value(),
                                    references,
                                    problems);
                    section.refuseUnknown();
                    sections.put(name, section);
                });
        return sections;
    }

    private List<Node> items(String key) {
        var value = value(key);
        if (value instanceof Node.Items(var nodes, _)) {
            return nodes;
        }
        if (!(value instanceof Node.Absent)) {
            problems.add(value.line(), join(path, key), value.shape(), "a list");
        }
        return List.of();
    }

    Optional<String> text(String key) {
        return scalar(value(key), join(path, key), "text");
    }

    private Optional<String> scalar(Node value, String at, String expected) {
        return switch (value) {
            case Node.Scalar(var text, int where) -> {
                try {
                    yield Optional.of(references.resolve(text));
                } catch (References.Unresolved e) {
                    problems.add(where, at, e.found(), "something that exists");
                    yield Optional.empty();
                }
            }
            case Node.Absent _ -> Optional.empty();
            case Node.Items _, Node.Members _ -> {
                problems.add(value.line(), at, value.shape(), expected);
                yield Optional.empty();
            }
        };
    }

    private <T> Optional<T> parsed(
            String key, String expected, Function<String, Optional<T>> parse) {
        var text = scalar(value(key), join(path, key), expected);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        var parsed = parse.apply(text.get());
        if (parsed.isEmpty()) {
            complain(key, value(key).describe(), expected);
        }
        return parsed;
    }

    Optional<Boolean> flag(String key) {
        return parsed(
                key,
                "true or false",
                text ->
                        switch (text) {
                            case "true" -> Optional.of(true);
                            case "false" -> Optional.of(false);
                            default -> Optional.empty();
                        });
    }

    Optional<Integer> number(String key, int least, int most) {
        return parsed(
                key,
                "a whole number from " + least + " to " + most,
                text -> {
                    try {
                        int number = Integer.parseInt(text);
                        return number >= least && number <= most
                                ? Optional.of(number)
                                : Optional.empty();
                    } catch (NumberFormatException e) {
                        return Optional.empty();
                    }
                });
    }

    Optional<Duration> duration(String key, Duration least) {
        var expected = "a time such as 30s or 5m, at least " + Durations.format(least);
        return parsed(
                key,
                expected,
                text -> Durations.parse(text).filter(time -> time.compareTo(least) >= 0));
    }

    Optional<Path> file(String key) {
        return parsed(
                key,
                "the name of a file",
                text -> {
                    try {
                        return Optional.of(Path.of(withHome(text)));
                    } catch (InvalidPathException e) {
                        return Optional.empty();
                    }
                });
    }

    private static String withHome(String text) {
        return text.startsWith("~/") ? System.getProperty("user.home") + text.substring(1) : text;
    }

    Optional<String> oneOf(String key, List<String> words) {
        return parsed(
                key,
                "one of " + String.join(", ", words),
                text -> Optional.of(text).filter(words::contains));
    }

    List<String> texts(String key) {
        var texts = new ArrayList<String>();
        int i = 0;
        for (var item : items(key)) {
            scalar(item, join(path, key) + "[" + i++ + "]", "text").ifPresent(texts::add);
        }
        return texts;
    }

    /** A mapping from names that the user chooses to text. */
    Map<String, String> map(String key) {
        var texts = new LinkedHashMap<String, String>();
        var inner = of(keys, join(pattern, key), join(path, key), value(key), references, problems);
        inner.members.forEach(
                (name, member) ->
                        scalar(member.value(), join(inner.path, name), "text")
                                .ifPresent(text -> texts.put(name, text)));
        return texts;
    }
}
