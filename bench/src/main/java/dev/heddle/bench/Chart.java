package dev.heddle.bench;

import java.util.Map;

/** Bars with their spread, as SVG. */
final class Chart {
    private static final int LABEL = 90;
    private static final int BARS = 420;
    private static final int LINE = 34;
    private static final int TOP = 44;

    private Chart() {}

    /**
     * @param target where a line is drawn, in the unit of the numbers
     */
    static String bars(String title, Map<String, Numbers> numbers, double target) {
        double most =
                1.1
                        * Math.max(
                                target,
                                numbers.values().stream()
                                        .mapToDouble(Numbers::most)
                                        .max()
                                        .orElse(1));
        int height = TOP + LINE * numbers.size() + 16;
        var svg = new StringBuilder();
        svg.append(
                ("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\""
                                + " font-family=\"sans-serif\" font-size=\"13\">%n")
                        .formatted(LABEL + BARS + 90, height));
        svg.append("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
        svg.append("<text x=\"10\" y=\"24\" font-weight=\"bold\">%s</text>%n".formatted(title));
        int y = TOP;
        for (var entry : numbers.entrySet()) {
            bar(svg, entry.getKey(), entry.getValue(), most, y);
            y += LINE;
        }
        double at = LABEL + BARS * target / most;
        svg.append(
                ("<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#c0392b\""
                                + " stroke-dasharray=\"4 3\"/>%n")
                        .formatted(at, TOP - 8, at, height - 8));
        return svg.append("</svg>\n").toString();
    }

    private static void bar(StringBuilder svg, String name, Numbers numbers, double most, int y) {
        var color = name.startsWith("heddle") ? "#2471a3" : "#95a5a6";
        svg.append("<text x=\"10\" y=\"%d\">%s</text>%n".formatted(y + 16, name));
        svg.append(
                "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"22\" fill=\"%s\"/>%n"
                        .formatted(LABEL, y, BARS * numbers.median() / most, color));
        svg.append(
                ("<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#1b2631\""
                                + " stroke-width=\"2\"/>%n")
                        .formatted(
                                LABEL + BARS * numbers.least() / most,
                                y + 11,
                                LABEL + BARS * numbers.most() / most,
                                y + 11));
        svg.append(
                "<text x=\"%.1f\" y=\"%d\">%.2f</text>%n"
                        .formatted(
                                LABEL + BARS * numbers.most() / most + 8,
                                y + 16,
                                numbers.median()));
    }
}
