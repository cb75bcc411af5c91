package dev.heddle.app.config;

import java.util.List;
import java.util.Map;

/** A piece of a configuration file that knows its line. Immutable. */
sealed interface Node {
    /** Counted from 1. */
    int line();

    /**
     * A single value.
     *
     * @param text as it stands in the file
     */
    record Scalar(String text, int line) implements Node {}

    /** A list. */
    record Items(List<Node> nodes, int line) implements Node {
        public Items {
            nodes = List.copyOf(nodes);
        }
    }

    /**
     * A mapping.
     *
     * @param members in the order of the file
     */
    record Members(Map<String, Member> members, int line) implements Node {}

    /** A key, where it stands, and its value. */
    record Member(int line, Node value) {}

    /** Nothing, or null. */
    record Absent(int line) implements Node {}

    /** What kind of thing it is: all that may be said of one that may hold a secret. */
    default String shape() {
        return switch (this) {
            case Scalar _ -> "text";
            case Items _, Members _, Absent _ -> describe();
        };
    }

    /** What it is, in the words of an error message. */
    default String describe() {
        return switch (this) {
            case Scalar(var text, _) ->
                    "'" + (text.length() > 60 ? text.substring(0, 60) + "…" : text) + "'";
            case Items _ -> "a list";
            case Members _ -> "a mapping";
            case Absent _ -> "nothing";
        };
    }
}
