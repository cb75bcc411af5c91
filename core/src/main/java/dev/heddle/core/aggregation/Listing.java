package dev.heddle.core.aggregation;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Digest;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.ParamHeaders;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One list of a surface, as clients see it: in a fixed order, in pages. Immutable and shared by all
 * its sessions.
 */
public final class Listing {
    static final int PAGE = 1000;

    private static final Logger log = LoggerFactory.getLogger(Listing.class);

    /**
     * One thing on the list: its client-visible name or URI, what clients are told of it, and where
     * it leads.
     */
    public record Item(String key, Json json, Route route) {}

    private final String member;
    private final List<Item> items;
    private final Json firstPage;
    private final String digest;
    private final Map<String, ParamHeaders> headers;

    /** A list that travels as the member called {@code member} of a result. */
    Listing(String member, List<Item> items) {
        this.member = member;
        this.items = List.copyOf(items);
        this.firstPage = page(0);
        var content = new Digest();
        items.forEach(item -> content.add(item.json()));
        this.digest = content.name();
        this.headers = headers(items);
    }

    private static Map<String, ParamHeaders> headers(List<Item> items) {
        var found = new HashMap<String, ParamHeaders>();
        for (var item : items) {
            try {
                var headers = ParamHeaders.of(item.json());
                if (!headers.isEmpty()) {
                    found.put(item.key(), headers);
                }
            } catch (MalformedJson unusable) {
                log.warn("{} is listed without headers: {}", item.key(), unusable.getMessage());
            }
        }
        return Map.copyOf(found);
    }

    /** The headers that go with a call of the tool called {@code key}; mostly none. */
    public ParamHeaders headers(String key) {
        return headers.getOrDefault(key, ParamHeaders.NONE);
    }

    public List<Item> items() {
        return items;
    }

    /** Equal for lists that read the same. */
    public String digest() {
        return digest;
    }

    /**
     * The result of a list request.
     *
     * @throws Fault.InvalidParams if the cursor is not one of this list
     */
    public Json page(Optional<String> cursor) {
        return cursor.isEmpty() ? firstPage : page(after(cursor.get()));
    }

    private Json page(int from) {
        int to = Math.min(items.size(), from + PAGE);
        var elements = items.subList(from, to).stream().map(Item::json).toList();
        return Json.object(
                result -> {
                    result.put(member, Json.array(elements));
                    if (to < items.size()) {
                        result.put("nextCursor", cursor(to));
                    }
                });
    }

    /**
     * A cursor names the item before it, so that it holds when the list changes between two pages.
     */
    private String cursor(int position) {
        var text = member + '\n' + position + '\n' + items.get(position - 1).key();
        return Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private int after(String cursor) {
        try {
            var parts =
                    new String(Base64.getUrlDecoder().decode(cursor), StandardCharsets.UTF_8)
                            .split("\n", 3);
            if (parts.length == 3 && parts[0].equals(member)) {
                int position = Integer.parseInt(parts[1]);
                return position > 0 ? after(parts[2], position) : 0;
            }
        } catch (IllegalArgumentException foreign) {
            // falls through to the one refusal
        }
        throw new Fault.InvalidParams(
                "found an unknown cursor (expected: the nextCursor of an earlier page of "
                        + member
                        + ")");
    }

    private int after(String key, int position) {
        if (position <= items.size() && items.get(position - 1).key().equals(key)) {
            return position;
        }
        for (int i = 0; i < items.size(); i++) {
            if (items.get(i).key().equals(key)) {
                return i + 1;
            }
        }
        return Math.min(position - 1, items.size());
    }
}
