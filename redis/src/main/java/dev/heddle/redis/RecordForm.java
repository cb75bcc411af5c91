package dev.heddle.redis;

import dev.heddle.core.sealing.Vault;
import dev.heddle.core.session.Metadata;

import java.io.Serial;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** How records look in the store. */
sealed interface RecordForm {
    /** What a record may be called: the name that a new one is given first. */
    List<String> names(String id);

    /** What stands there for {@code fields} of the record {@code name}. */
    Map<String, String> written(String name, Map<String, String> fields);

    /** What {@code fields} may be called there. */
    Set<String> written(Set<String> fields);

    /**
     * The fields of the record {@code name}.
     *
     * @throws Unreadable if some were not written here
     */
    Map<String, String> read(String name, Map<String, String> written);

    /** The message {@code which} about the record {@code name}, as it travels or is kept. */
    String sealed(String name, String which, String message);

    /** The message that was sealed so; empty if it was not by one of us. */
    Optional<String> opened(String name, String which, String sealed);

    /** A field was not written with a secret that is known here. */
    final class Unreadable extends RuntimeException {
        @Serial private static final long serialVersionUID = 1L;

        Unreadable(String field) {
            super("found a sealed '" + field + "' (expected: one that a configured key opens)");
        }
    }

    /** As others write them too: everything can be read by whoever can read the store. */
    record Plain() implements RecordForm {
        @Override
        public List<String> names(String id) {
            return List.of(id);
        }

        @Override
        public Map<String, String> written(String name, Map<String, String> fields) {
            return fields;
        }

        @Override
        public Set<String> written(Set<String> fields) {
            return fields;
        }

        @Override
        public Map<String, String> read(String name, Map<String, String> written) {
            return written;
        }

        @Override
        public String sealed(String name, String which, String message) {
            return message;
        }

        @Override
        public Optional<String> opened(String name, String which, String sealed) {
            return Optional.of(sealed);
        }
    }

    /**
     * Whoever can read the store learns no session id, of this gateway or of a backend, and nothing
     * of who the owner is or what is watched.
     */
    record Sealed(Vault vault) implements RecordForm {
        /** Names that are there once for each backend, and what is written for them. */
        private static final Map<String, String> SHORT =
                Map.of(
                        Metadata.BACKEND_SESSION, "s:",
                        Metadata.BACKEND_REVISION, "r:",
                        Metadata.BACKEND_COOKIES, "c:",
                        Metadata.BACKEND_OPENED, "o:",
                        Metadata.BACKEND_CATALOG, "d:");

        /** What a field is called whose name is secret, before a name that tells nothing. */
        private static final String HIDDEN = "h:";

        private static final String MESSAGE = "message ";
        private static final char BETWEEN = '\n';

        @Override
        public List<String> names(String id) {
            return vault.names(id);
        }

        @Override
        public Map<String, String> written(String name, Map<String, String> fields) {
            var written = new HashMap<String, String>();
            fields.forEach(
                    (field, value) -> {
                        var there = called(field).getFirst();
                        written.put(there, sealed(name, there, field, value));
                    });
            return written;
        }

        private String sealed(String name, String there, String field, String value) {
            if (there.startsWith(HIDDEN)) {
                return vault.seal(field + BETWEEN + value, binding(name, there));
            }
            return isSecret(field) && !value.isEmpty()
                    ? vault.seal(value, binding(name, there))
                    : value;
        }

        @Override
        public Set<String> written(Set<String> fields) {
            var written = new TreeSet<String>();
            fields.forEach(field -> written.addAll(called(field)));
            return written;
        }

        private List<String> called(String field) {
            if (field.startsWith(Metadata.SUBSCRIPTION)) {
                return vault.names(field).stream().map(HIDDEN::concat).toList();
            }
            for (var one : SHORT.entrySet()) {
                if (field.startsWith(one.getKey())) {
                    return List.of(one.getValue() + field.substring(one.getKey().length()));
                }
            }
            return List.of(field);
        }

        @Override
        public Map<String, String> read(String name, Map<String, String> written) {
            var fields = new HashMap<String, String>();
            written.forEach(
                    (there, value) -> {
                        if (there.startsWith(HIDDEN)) {
                            var both = open(name, there, value);
                            int end = both.lastIndexOf(BETWEEN);
                            fields.put(both.substring(0, end), both.substring(end + 1));
                        } else {
                            var field = whole(there);
                            boolean plain = !isSecret(field) || value.isEmpty();
                            fields.put(field, plain ? value : open(name, there, value));
                        }
                    });
            return fields;
        }

        @Override
        public String sealed(String name, String which, String message) {
            return vault.seal(message, binding(name, MESSAGE + which));
        }

        @Override
        public Optional<String> opened(String name, String which, String sealed) {
            return vault.open(sealed, binding(name, MESSAGE + which));
        }

        private static String whole(String there) {
            for (var one : SHORT.entrySet()) {
                if (there.startsWith(one.getValue())) {
                    return one.getKey() + there.substring(one.getValue().length());
                }
            }
            return there;
        }

        private String open(String name, String there, String value) {
            return vault.open(value, binding(name, there)).orElseThrow(() -> new Unreadable(there));
        }

        /** No value can be put into the place of another one. */
        private static String binding(String name, String there) {
            return name + ' ' + there;
        }

        private static boolean isSecret(String field) {
            return field.equals(Metadata.BINDING)
                    || field.startsWith(Metadata.BACKEND_SESSION)
                    || field.startsWith(Metadata.BACKEND_COOKIES)
                    || field.startsWith(Metadata.TASK);
        }
    }
}
