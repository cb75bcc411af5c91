package dev.heddle.bench;

import java.util.Collection;
import java.util.List;
import java.util.Locale;

/** Figures of several rounds. */
record Numbers(List<Double> sorted) {
    static Numbers of(Collection<Double> values) {
        return new Numbers(values.stream().sorted().toList());
    }

    double median() {
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1
                ? sorted.get(middle)
                : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    double least() {
        return sorted.getFirst();
    }

    double most() {
        return sorted.getLast();
    }

    /** The value below which {@code percent} of all are. */
    double percentile(double percent) {
        int at = (int) Math.ceil(sorted.size() * percent / 100) - 1;
        return sorted.get(Math.max(0, at));
    }

    /** Median, least and most. */
    String spread(String format) {
        return String.format(
                Locale.ROOT,
                format + " (" + format + " to " + format + ")",
                median(),
                least(),
                most());
    }
}
