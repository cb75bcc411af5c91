package dev.heddle.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Collects what has been measured, and tells it while it comes. Confined to one thread. */
final class Report {

    /** What a row says of its target. */
    enum Verdict {
        MET("met"),
        SHORT("**short**"),
        /** Measured for comparison. */
        BESIDE("");

        private final String words;

        Verdict(String words) {
            this.words = words;
        }

        String words() {
            return words;
        }
    }

    /** One line of the table. */
    record Row(
            String id,
            String measure,
            String target,
            String stretch,
            String found,
            Verdict verdict) {
        private String line() {
            return verdict == Verdict.BESIDE
                    ? id + " " + measure + ": " + found
                    : "%s %s: %s (target %s) %s"
                            .formatted(
                                    id,
                                    measure,
                                    found,
                                    target,
                                    verdict == Verdict.MET ? "met" : "NOT MET");
        }
    }

    /** One figure, as it was measured. */
    private record Figure(String row, String subject, int round, String name, double value) {
        String csv() {
            return String.join(
                    ",",
                    row,
                    subject,
                    Integer.toString(round),
                    name,
                    String.format(Locale.ROOT, "%.6g", value));
        }
    }

    private final List<Row> rows = new ArrayList<>();
    private final List<Figure> figures = new ArrayList<>();

    void say(String line) {
        System.out.println(line);
    }

    void figure(String row, String subject, int round, String name, double value) {
        figures.add(new Figure(row, subject, round, name, value));
    }

    /** Adds a row that has a target. */
    void row(String id, String measure, String target, String stretch, String found, boolean met) {
        row(new Row(id, measure, target, stretch, found, met ? Verdict.MET : Verdict.SHORT));
    }

    /** Adds a row for comparison. */
    void beside(String id, String measure, String found) {
        row(new Row(id, measure, "", "", found, Verdict.BESIDE));
    }

    private void row(Row row) {
        rows.add(row);
        say(row.line());
    }

    List<Row> rows() {
        return rows;
    }

    /** The figures of all rounds under one name, by subject. */
    Map<String, Numbers> figures(String row, String name) {
        var found = new LinkedHashMap<String, List<Double>>();
        for (var figure : figures) {
            if (figure.row().equals(row) && figure.name().equals(name)) {
                found.computeIfAbsent(figure.subject(), _ -> new ArrayList<>()).add(figure.value());
            }
        }
        var numbers = new LinkedHashMap<String, Numbers>();
        found.forEach((subject, values) -> numbers.put(subject, Numbers.of(values)));
        return numbers;
    }

    /** The figures of all rounds of one subject. */
    Numbers figure(String row, String name, String subject) {
        var numbers = figures(row, name).get(subject);
        if (numbers == null) {
            throw new IllegalStateException(row + " has not been measured for " + subject);
        }
        return numbers;
    }

    void writeCsv(Path file) throws IOException {
        var lines = new ArrayList<String>();
        lines.add("row,subject,round,figure,value");
        figures.forEach(figure -> lines.add(figure.csv()));
        Files.createDirectories(file.getParent());
        Files.write(file, lines);
    }
}
