package dev.heddle.app.config;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.Target;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Reads backends from the command line: a URL, or a command in one word of the shell, each perhaps
 * with a name.
 */
public final class QuickTargets {
    private static final Pattern NAMED = Pattern.compile("([A-Za-z0-9._-]{1,64})=(.+)");
    private static final Pattern VALUED =
            Pattern.compile("-(e|v|p|c|r|-env|-volume|-name|-token|-network|-require|-from)");
    private static final Pattern LAUNCHER =
            Pattern.compile("npx|uvx|bunx|pnpx|node|python3?|deno|docker|uv|sh|bash");

    private QuickTargets() {}

    /**
     * The backends, in the order of the command line.
     *
     * @throws Problems.Invalid if one is neither
     */
    public static List<Backend> parse(List<String> targets) {
        var backends = new LinkedHashMap<BackendId, Backend>();
        var problems = new ArrayList<String>();
        for (var text : targets) {
            var named = NAMED.matcher(text);
            boolean isNamed = named.matches() && !text.matches("https?://.*");
            var target = target(isNamed ? named.group(2) : text);
            if (target.isEmpty()) {
                problems.add(
                        "'"
                                + text
                                + "': found neither a URL nor a command (expected: one of them)");
                continue;
            }
            var wanted = isNamed ? new BackendId(named.group(1)) : name(target.get());
            var id = isNamed ? wanted : free(wanted, backends);
            if (backends.putIfAbsent(id, new Backend(id, target.get())) != null) {
                problems.add(
                        "'"
                                + text
                                + "': found the name '"
                                + id
                                + "' a second time (expected: another)");
            }
        }
        if (!problems.isEmpty()) {
            throw new Problems.Invalid(problems);
        }
        return List.copyOf(backends.values());
    }

    private static Optional<Target> target(String text) {
        if (text.startsWith("http://") || text.startsWith("https://")) {
            return BackendSection.url(text).map(url -> new Target.Remote(url, Target.Wire.EITHER));
        }
        var argv = words(text);
        return argv.isEmpty() ? Optional.empty() : Optional.of(new Target.Command(argv));
    }

    /** Splits as a shell does: at spaces, except inside quotes or behind a backslash. */
    static List<String> words(String text) {
        var words = new ArrayList<String>();
        var word = new StringBuilder();
        boolean begun = false;
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\' && quote != '\'' && i + 1 < text.length()) {
                word.append(text.charAt(++i));
                begun = true;
            } else if (quote != 0) {
                if (c == quote) {
                    quote = 0;
                } else {
                    word.append(c);
                }
            } else if (c == '"' || c == '\'') {
                quote = c;
                begun = true;
            } else if (Character.isWhitespace(c)) {
                if (begun) {
                    words.add(word.toString());
                    word.setLength(0);
                    begun = false;
                }
            } else {
                word.append(c);
                begun = true;
            }
        }
        if (begun) {
            words.add(word.toString());
        }
        return words;
    }

    /** Named after the host, or after the package or program that is run. */
    private static BackendId name(Target target) {
        var text =
                switch (target) {
                    case Target.Remote(var url, _, _) -> url.getHost();
                    case Target.Command command -> program(command.argv());
                    case Target.InProcess _ -> "local";
                };
        return BackendId.slug(text).orElse(new BackendId("backend"));
    }

    /**
     * The package or program that is run. Options, their values and settings are passed over: they
     * may be secrets.
     */
    private static String program(List<String> argv) {
        boolean value = false;
        for (var word : argv) {
            var base = word.substring(word.lastIndexOf('/') + 1);
            boolean option = word.startsWith("-");
            boolean skipped =
                    value
                            || option
                            || word.contains("=")
                            || LAUNCHER.matcher(base).matches()
                            || base.equals("run");
            value = option && VALUED.matcher(word).matches();
            if (!skipped) {
                int version = base.indexOf('@');
                var name = version > 0 ? base.substring(0, version) : base;
                return name.replaceFirst("^server-|^mcp-server-|^mcp-", "")
                        .replaceFirst("\\.(js|mjs|cjs|py|ts)$", "");
            }
        }
        return argv.getFirst();
    }

    private static BackendId free(BackendId wanted, Map<BackendId, Backend> taken) {
        var id = wanted;
        for (int i = 2; taken.containsKey(id); i++) {
            id = BackendId.slug(wanted.value() + "-" + i).orElse(wanted);
        }
        return id;
    }
}
