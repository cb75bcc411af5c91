package dev.heddle.core.aggregation;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Says whether a URI can be an expansion of a URI template (RFC 6570, levels 1 to 4).
 *
 * <p>Variables are not recovered, and an expression matches any text of the characters that its
 * operator can produce. The time to match grows with the length of the URI times that of the
 * template, never faster. Immutable.
 */
final class UriTemplate {
    private static final int MAX_URI = 8192;
    private static final Pattern EXPRESSION = Pattern.compile("\\{([^{}]*)\\}");

    /** One step of the pattern: a character that must stand here, or any run of characters. */
    private sealed interface Step {
        record Literal(char wanted) implements Step {}

        /** One character that is none of {@code excluded}. */
        record One(String excluded) implements Step {}

        /** Any number of characters that are none of {@code excluded}. */
        record Run(String excluded) implements Step {}
    }

    private final List<Step> steps;
    private final int literals;

    UriTemplate(String template) {
        this.steps = parse(template);
        this.literals = (int) steps.stream().filter(Step.Literal.class::isInstance).count();
    }

    /** How many characters are fixed: of two templates that match, the one with more is meant. */
    int specificity() {
        return literals;
    }

    boolean matches(String uri) {
        if (uri.length() > MAX_URI) {
            return false;
        }
        var here = closure(new BitSet(), 0);
        for (int i = 0; i < uri.length() && !here.isEmpty(); i++) {
            here = advance(here, uri.charAt(i));
        }
        return here.get(steps.size());
    }

    /** The steps that may be next once those of {@code here} have met {@code c}. */
    private BitSet advance(BitSet here, char c) {
        var next = new BitSet();
        for (int at = here.nextSetBit(0);
                at >= 0 && at < steps.size();
                at = here.nextSetBit(at + 1)) {
            switch (steps.get(at)) {
                case Step.Literal(char wanted) when wanted == c -> closure(next, at + 1);
                case Step.One(var excluded) when excluded.indexOf(c) < 0 -> closure(next, at + 1);
                case Step.Run(var excluded) when excluded.indexOf(c) < 0 -> closure(next, at);
                case Step.Literal _, Step.One _, Step.Run _ -> {}
            }
        }
        return next;
    }

    /** Adds {@code at} and every step behind it that can be reached over empty runs. */
    private BitSet closure(BitSet set, int at) {
        int step = at;
        set.set(step);
        while (step < steps.size() && steps.get(step) instanceof Step.Run) {
            set.set(++step);
        }
        return set;
    }

    private static List<Step> parse(String template) {
        var steps = new ArrayList<Step>();
        var expressions = EXPRESSION.matcher(template);
        int from = 0;
        while (expressions.find()) {
            addLiterals(steps, template.substring(from, expressions.start()));
            addExpression(steps, expressions.group(1));
            from = expressions.end();
        }
        addLiterals(steps, template.substring(from));
        return List.copyOf(steps);
    }

    private static void addLiterals(List<Step> steps, String text) {
        text.chars().forEach(c -> steps.add(new Step.Literal((char) c)));
    }

    private static void addExpression(List<Step> steps, String expression) {
        char operator = expression.isEmpty() ? ' ' : expression.charAt(0);
        switch (operator) {
            case '+' -> addSome(steps, "");
            case '#' -> steps.add(new Step.Run(""));
            case '/' -> steps.add(new Step.Run("?#"));
            case '?', '&' -> steps.add(new Step.Run("#"));
            case ';', '.' -> steps.add(new Step.Run("/?#"));
            default -> addSome(steps, "/?#");
        }
    }

    private static void addSome(List<Step> steps, String excluded) {
        steps.add(new Step.One(excluded));
        steps.add(new Step.Run(excluded));
    }
}
