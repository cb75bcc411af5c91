package dev.heddle.core.aggregation;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What many backends want their client to know, as one text: each part in a frame that says whose
 * it is, and no longer than is good for a model. The words of a single backend stay as they are.
 */
final class Instructions {
    private static final int LONGEST_PART = 8_000;
    private static final int LONGEST = 32_000;
    private static final String CUT = "\n(shortened)";

    private static final Pattern FRAME = Pattern.compile("(?i)<(/?server)");

    /** As much as the frame of one part takes, at most. */
    private static final int FRAME_LENGTH = 100;

    /** More would leave each of them no more than its frame. */
    private static final int MOST_PARTS = LONGEST / (2 * FRAME_LENGTH);

    private Instructions() {}

    static Optional<String> of(List<Part> parts) {
        var speaking =
                parts.stream().filter(Part::usable).filter(part -> !text(part).isEmpty()).toList();
        if (parts.size() == 1 && speaking.size() == 1) {
            return Optional.of(shortened(text(speaking.getFirst()), LONGEST));
        }
        int share = LONGEST / Math.max(1, speaking.size()) - FRAME_LENGTH;
        int most = Math.clamp(share, FRAME_LENGTH, LONGEST_PART);
        var all = new StringBuilder();
        for (var part : speaking.subList(0, Math.min(speaking.size(), MOST_PARTS))) {
            all.append(all.isEmpty() ? "" : "\n\n")
                    .append("<server name=\"")
                    .append(part.backend())
                    .append("\">\n")
                    .append(framed(text(part), most))
                    .append("\n</server>");
        }
        return all.isEmpty() ? Optional.empty() : Optional.of(all.toString());
    }

    private static String text(Part part) {
        return part.catalog().introduction().instructions().orElse("").strip();
    }

    /** One backend must not end its frame and speak for another. */
    private static String framed(String text, int most) {
        return shortened(FRAME.matcher(text).replaceAll("< $1"), most);
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
