package dev.heddle.core.aggregation;

import java.util.List;
import java.util.Optional;

/**
 * What many backends want their client to know, as one text: each part in a frame that says whose
 * it is, and no longer than is good for a model. The words of a single backend stay as they are.
 */
final class Instructions {
    private static final int LONGEST_PART = 8_000;
    private static final int LONGEST = 32_000;
    private static final String CUT = "\n(shortened)";

    private Instructions() {}

    static Optional<String> of(List<Part> parts) {
        var speaking =
                parts.stream().filter(Part::usable).filter(part -> !text(part).isEmpty()).toList();
        if (parts.size() == 1 && speaking.size() == 1) {
            return Optional.of(shortened(text(speaking.getFirst()), LONGEST));
        }
        var all = new StringBuilder();
        for (var part : speaking) {
            all.append(all.isEmpty() ? "" : "\n\n")
                    .append("<server name=\"")
                    .append(part.backend())
                    .append("\">\n")
                    .append(framed(text(part)))
                    .append("\n</server>");
        }
        return all.isEmpty() ? Optional.empty() : Optional.of(shortened(all.toString(), LONGEST));
    }

    private static String text(Part part) {
        return part.catalog().introduction().instructions().orElse("").strip();
    }

    /** One backend must not end its frame and speak for another. */
    private static String framed(String text) {
        return shortened(text, LONGEST_PART).replace("</server", "< /server");
    }

    private static String shortened(String text, int most) {
        if (text.length() <= most) {
            return text;
        }
        int end = most - CUT.length();
        return text.substring(0, Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end)
                + CUT;
    }
}
