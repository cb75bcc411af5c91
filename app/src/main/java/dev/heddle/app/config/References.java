package dev.heddle.app.config;

import java.io.IOException;
import java.io.Serial;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Puts in what a text refers to: <code>${NAME}</code>, <code>${NAME:-default}</code>, <code>
 * ${env:NAME}</code>, <code>${file:path}</code>, <code>${input:id}</code>. Two dollar signs stand
 * for one.
 */
final class References {
    private static final Pattern REFERENCE = Pattern.compile("\\$\\$|\\$\\{([^}]*)\\}");
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

    /** A reference that leads nowhere. The message names it. */
    static final class Unresolved extends Exception {
        @Serial private static final long serialVersionUID = 1L;

        private final String found;

        Unresolved(String found) {
            super(found);
            this.found = found;
        }

        String found() {
            return found;
        }
    }

    private final Map<String, String> environment;
    private final Path folder;
    private final boolean doubling;

    /**
     * @param folder to which the names of files are relative
     * @param doubling whether two dollar signs stand for one
     */
    References(Map<String, String> environment, Path folder, boolean doubling) {
        this.environment = environment;
        this.folder = folder;
        this.doubling = doubling;
    }

    String resolve(String text) throws Unresolved {
        if (text.indexOf('$') < 0) {
            return text;
        }
        var references = REFERENCE.matcher(text);
        var resolved = new StringBuilder();
        var dollars = doubling ? "$" : "$$";
        while (references.find()) {
            var inner = references.group(1);
            references.appendReplacement(
                    resolved, Matcher.quoteReplacement(inner == null ? dollars : value(inner)));
        }
        return references.appendTail(resolved).toString();
    }

    private String value(String reference) throws Unresolved {
        if (reference.startsWith("file:")) {
            return file(reference.substring("file:".length()));
        } else if (reference.startsWith("env:")) {
            return variable(reference.substring("env:".length()), reference);
        } else if (reference.startsWith("input:")) {
            return input(reference.substring("input:".length()));
        }
        int standard = reference.indexOf(":-");
        if (standard >= 0) {
            var value = environment.get(reference.substring(0, standard));
            return value == null || value.isEmpty() ? reference.substring(standard + 2) : value;
        }
        return variable(reference, reference);
    }

    Optional<String> variable(String name) {
        return Optional.ofNullable(environment.get(name));
    }

    private String variable(String name, String reference) throws Unresolved {
        if (!NAME.matcher(name).matches()) {
            throw new Unresolved("the reference ${" + reference + "}, which is not supported");
        }
        var value = environment.get(name);
        if (value == null) {
            throw new Unresolved("${" + reference + "}, but the environment has no " + name);
        }
        return value;
    }

    /** An editor would ask a person; here the answer is to be in the environment. */
    private String input(String id) throws Unresolved {
        var name = id.replaceAll("[^A-Za-z0-9]", "_");
        for (var candidate : new String[] {id, name, name.toUpperCase(Locale.ROOT)}) {
            var value = environment.get(candidate);
            if (value != null) {
                return value;
            }
        }
        throw new Unresolved(
                "${input:"
                        + id
                        + "}, but the environment has no "
                        + name.toUpperCase(Locale.ROOT)
                        + " to answer it");
    }

    private String file(String name) throws Unresolved {
        try {
            return Files.readString(folder.resolve(name)).strip();
        } catch (IOException e) {
            throw new Unresolved("${file:" + name + "}, but that file cannot be read");
        }
    }
}
