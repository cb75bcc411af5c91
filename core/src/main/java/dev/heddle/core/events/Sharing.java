package dev.heddle.core.events;

import dev.heddle.protocol.Spliced;

import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * How the streams of one session are shared with other processes.
 *
 * @param session its id
 * @param node what this process is called among them
 * @param alive whether the process of that name is there, as far as is known
 * @param storage where the streams are kept
 * @param news tells the others; must not block
 * @param strays takes a message for the stream of what belongs to no call when another process has
 *     taken that; must not block
 * @param virtual runs blocking code
 */
public record Sharing(
        String session,
        String node,
        Predicate<String> alive,
        EventStorage storage,
        Consumer<StreamNews> news,
        Consumer<Spliced> strays,
        Executor virtual) {
    private static final char BETWEEN = '.';

    /** What the name of a stream is given by this process. */
    String mark() {
        return node + BETWEEN;
    }

    /** The process that has begun the stream {@code name}, whose kind is one letter. */
    static String home(String name) {
        int end = name.indexOf(BETWEEN);
        return end < 1 ? "" : name.substring(1, end);
    }

    void tell(StreamNews.What what, String stream, String carrier) {
        news.accept(new StreamNews(what, stream, carrier, StreamNews.NOWHERE));
    }
}
