package dev.heddle.transport.connect;

import io.netty.handler.codec.http.cookie.ClientCookieDecoder;
import io.netty.handler.codec.http.cookie.ClientCookieEncoder;
import io.netty.handler.codec.http.cookie.Cookie;
import io.netty.handler.codec.http.cookie.DefaultCookie;
import io.netty.handler.codec.http.cookie.ServerCookieDecoder;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;

/**
 * The cookies of one conversation, by which a load balancer in front of the backend finds the
 * server that holds it. They go back to the same host only, and are gone with the conversation.
 * Thread-safe: the whole state is one immutable value.
 */
final class Cookies {
    private static final int MAX_COOKIES = 20;
    private static final int MAX_LENGTH = 4096;

    private final AtomicReference<Map<String, String>> jar = new AtomicReference<>(Map.of());

    /**
     * @param header what {@link #header} said in an earlier life of the conversation, or empty text
     */
    Cookies(String header) {
        if (!header.isEmpty()) {
            jar.set(
                    ServerCookieDecoder.LAX.decode(header).stream()
                            .collect(
                                    Collectors.toUnmodifiableMap(
                                            Cookie::name, Cookie::value, (first, _) -> first)));
        }
    }

    /** Does what the answer of a backend says about cookies. */
    void note(ResponseHead answer) {
        for (var text : answer.cookies()) {
            var cookie = text.length() > MAX_LENGTH ? null : ClientCookieDecoder.LAX.decode(text);
            if (cookie != null) {
                jar.updateAndGet(before -> with(before, cookie));
            }
        }
    }

    private static Map<String, String> with(Map<String, String> before, Cookie cookie) {
        var after = new TreeMap<>(before);
        boolean over = cookie.maxAge() != Cookie.UNDEFINED_MAX_AGE && cookie.maxAge() <= 0;
        if (over) {
            after.remove(cookie.name());
        } else if (after.size() < MAX_COOKIES || after.containsKey(cookie.name())) {
            after.put(cookie.name(), cookie.value());
        }
        return Collections.unmodifiableMap(after);
    }

    /** The text of a {@code Cookie} header; empty if there are none. */
    String header() {
        var cookies = jar.get();
        return cookies.isEmpty()
                ? ""
                : ClientCookieEncoder.LAX.encode(
                        cookies.entrySet().stream()
                                .map(entry -> new DefaultCookie(entry.getKey(), entry.getValue()))
                                .toList());
    }
}
