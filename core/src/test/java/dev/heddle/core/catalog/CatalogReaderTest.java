package dev.heddle.core.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.backend.Target;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

class CatalogReaderTest {
    private static final Backend BACKEND =
            new Backend(new BackendId("a"), new Target.Command(List.of("true")));

    private final CatalogReader reader = new CatalogReader(new Ids());
    private final List<String> asked = new ArrayList<>();

    /** Reads the tools of a backend that answers each cursor, or none, as {@code pages} says. */
    private List<String> tools(Function<String, Envelope> pages) {
        var introduction =
                new Introduction(
                        Revision.LATEST,
                        Json.parse("{\"tools\":{}}"),
                        Json.EMPTY_OBJECT,
                        Optional.empty());
        return reader.read(BACKEND, new Paging(pages), introduction).tools().stream()
                .map(Catalog.Entry::key)
                .toList();
    }

    private static Envelope page(String result) {
        return JsonRpc.result(Json.of(0), Json.parse(result));
    }

    private final class Paging implements BackendSession {
        private final Function<String, Envelope> pages;

        Paging(Function<String, Envelope> pages) {
            this.pages = pages;
        }

        @Override
        public Optional<String> sessionId() {
            return Optional.empty();
        }

        @Override
        public void send(long id, Spliced request, Sink sink) {
            var message = Envelope.parse(request.bytes());
            var cursor = message.cursor().orElse("");
            asked.add(message.method() + " " + cursor);
            sink.reply(new Reply.Response(Spliced.of(pages.apply(cursor)).id(Json.of(id))));
        }

        @Override
        public void cancel(long id, String why) {}

        @Override
        public void notify(Spliced notification) {}

        @Override
        public void answer(Spliced response) {}

        @Override
        public void listen(boolean wanted) {}

        @Override
        public void close() {}
    }

    @Test
    void all_pages_are_read_in_order() {
        var tools =
                tools(
                        cursor ->
                                switch (cursor) {
                                    case "" ->
                                            page(
                                                    "{\"tools\":[{\"name\":\"1\"},{\"name\":\"2\"}],\"nextCursor\":\"b\"}");
                                    case "b" -> page("{\"tools\":[],\"nextCursor\":\"c\"}");
                                    default -> page("{\"tools\":[{\"name\":\"3\"}]}");
                                });
        assertThat(tools).containsExactly("1", "2", "3");
        assertThat(asked).containsExactly("tools/list ", "tools/list b", "tools/list c");
    }

    @Test
    void a_cursor_that_comes_again_ends_the_reading() {
        var tools =
                tools(
                        cursor ->
                                page(
                                        "{\"tools\":[{\"name\":\"at "
                                                + cursor
                                                + "\"}],\"nextCursor\":\""
                                                + (cursor.equals("x") ? "y" : "x")
                                                + "\"}"));
        assertThat(tools).containsExactly("at ", "at x", "at y");
    }

    @Test
    void pages_without_end_are_bounded() {
        var tools =
                tools(
                        cursor -> {
                            int next = cursor.isEmpty() ? 1 : Integer.parseInt(cursor) + 1;
                            return page("{\"tools\":[],\"nextCursor\":\"" + next + "\"}");
                        });
        assertThat(tools).isEmpty();
        assertThat(asked).hasSize(10_000);
    }

    @Test
    void an_entry_that_does_not_say_what_it_is_called_is_left_out_alone() {
        assertThat(
                        tools(
                                _ ->
                                        page(
                                                "{\"tools\":[{\"name\":\"1\"},{},{\"name\":7},7,null,{\"name\":\"2\"}]}")))
                .containsExactly("1", "2");
    }

    @Test
    void a_list_that_is_announced_but_not_served_is_empty() {
        assertThat(tools(_ -> JsonRpc.error(Json.of(0), -32601, "no"))).isEmpty();
    }

    @Test
    void a_list_that_fails_is_not_taken_for_empty() {
        assertThatThrownBy(() -> tools(_ -> JsonRpc.error(Json.of(0), -32603, "broken")))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("broken");
    }

    @Test
    void a_result_that_is_no_list_is_garbage_with_the_backends_name() {
        assertThatThrownBy(() -> tools(_ -> page("{\"tools\":7}")))
                .isInstanceOf(Fault.BackendFailed.class)
                .hasMessageContaining("'a'");
    }

    @Test
    void what_is_not_announced_is_not_asked_for() {
        var silent =
                new Introduction(
                        Revision.LATEST, Json.EMPTY_OBJECT, Json.EMPTY_OBJECT, Optional.empty());
        reader.read(BACKEND, new Paging(_ -> page("{}")), silent);
        assertThat(asked).isEmpty();
    }
}
