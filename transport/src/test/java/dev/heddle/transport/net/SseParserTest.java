package dev.heddle.transport.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

class SseParserTest {
    /** Keeps what the parser says, each thing as one text. */
    private static final class Heard implements SseParser.Listener {
        private final List<String> all = new ArrayList<>();

        @Override
        public void event(String type, byte[] data) {
            all.add(type + "=" + new String(data, StandardCharsets.UTF_8));
        }

        @Override
        public void id(String id) {
            all.add("id " + id);
        }

        @Override
        public void retry(long millis) {
            all.add("retry " + millis);
        }
    }

    private static List<String> parse(String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        return parse(bytes, bytes.length);
    }

    private static List<String> parse(byte[] bytes, int cut) {
        var heard = new Heard();
        var parser = new SseParser(1000, heard);
        parser.feed(bytes, 0, cut);
        parser.feed(bytes, cut, bytes.length - cut);
        return heard.all;
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r", "\r\n"})
    void lines_may_end_in_any_way_and_be_cut_anywhere(String end) {
        var text =
                String.join(
                        end,
                        "\uFEFF: a comment",
                        "id: 1",
                        "event: greeting",
                        "data: gr\u00FC\u00DF",
                        "data:  dich",
                        "",
                        "data:{\"a\":1}",
                        "retry: 250",
                        "",
                        "data",
                        "",
                        "");
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int cut = 0; cut <= bytes.length; cut++) {
            assertThat(parse(bytes, cut))
                    .as("cut at %s", cut)
                    .containsExactly(
                            "id 1",
                            "greeting=gr\u00FC\u00DF\n dich",
                            "retry 250",
                            "message={\"a\":1}",
                            "message=");
        }
    }

    @Test
    void an_event_without_its_empty_line_is_not_complete() {
        assertThat(parse("data: x\n")).isEmpty();
    }

    @Test
    void an_id_is_that_of_a_whole_event() {
        assertThat(parse("id: 1\ndata: x\n\nid: 2\ndata: y\n"))
                .containsExactly("id 1", "message=x");
        assertThat(parse("data: x\nid: 3\n\nid: 4\n\n"))
                .containsExactly("id 3", "message=x", "id 4");
    }

    @Test
    void a_type_belongs_to_one_event_and_an_event_without_data_is_none() {
        assertThat(parse("event: a\n\ndata: x\n\n")).containsExactly("message=x");
    }

    @Test
    void fields_that_are_unknown_or_make_no_sense_are_ignored() {
        assertThat(parse("foo: 1\nretry: soon\nid: a\0b\ndata: x\n\n"))
                .containsExactly("message=x");
    }

    @Test
    void an_empty_id_takes_the_name_back() {
        assertThat(parse("id\ndata: x\n\n")).containsExactly("id ", "message=x");
    }

    @Test
    void an_event_that_is_too_large_is_refused_in_one_line_as_in_many() {
        assertThatThrownBy(() -> parse("data: " + "x".repeat(1001)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("1000");
        assertThatThrownBy(() -> parse("data: 0123456789\n".repeat(200)))
                .isInstanceOf(IllegalStateException.class);
    }

    /** Takes large data in parts, if it takes them at all. */
    private static final class Parts implements SseParser.Listener {
        private final StringBuilder all = new StringBuilder();
        private final boolean takes;
        private int parts;
        private boolean ended;

        Parts(boolean takes) {
            this.takes = takes;
        }

        @Override
        public void event(String type, byte[] data) {
            all.append(new String(data, StandardCharsets.ISO_8859_1)).append('|');
        }

        @Override
        public boolean flow(byte[] beginning) {
            part(takes ? beginning : new byte[0], 0, takes ? beginning.length : 0);
            return takes;
        }

        @Override
        public void part(byte[] bytes, int from, int to) {
            parts++;
            all.append(new String(bytes, from, to - from, StandardCharsets.ISO_8859_1));
        }

        @Override
        public void endOfFlow() {
            ended = true;
            all.append('|');
        }

        @Override
        public void id(String id) {}

        @Override
        public void retry(long millis) {}
    }

    private static Parts inPieces(String text, boolean takes, int seed) {
        var random = new Random(seed);
        var bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        var parts = new Parts(takes);
        var parser = new SseParser(10_000_000, parts);
        for (int at = 0; at < bytes.length; ) {
            int length = Math.min(bytes.length - at, 1 + random.nextInt(20_000));
            parser.feed(bytes, at, length);
            at += length;
        }
        return parts;
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r", "\r\n"})
    void large_data_come_in_parts_wherever_they_are_cut(String end) {
        var large = "x".repeat(700_000);
        var lines = List.of("data: a", "", "data: b", "data: c" + large, "id: 5", "data:d", "");
        var text = String.join(end, lines) + end + "data: e" + end + end;
        for (int seed = 0; seed < 200; seed++) {
            var parts = inPieces(text, true, seed);
            assertThat(parts.all.toString().equals("a|b\nc" + large + "\nd|e|")).isTrue();
            assertThat(parts.parts).isGreaterThan(10);
            assertThat(parts.ended).isTrue();
        }
    }

    @Test
    void large_data_that_nobody_takes_in_parts_come_whole() {
        var large = "x".repeat(700_000);
        var parts = inPieces("data: " + large + "\n\ndata: e\n\n", false, 1);
        assertThat(parts.all.toString().equals(large + "|e|")).isTrue();
    }

    @Test
    void large_data_of_another_kind_come_whole() {
        var large = "x".repeat(700_000);
        var parts = inPieces("event: other\ndata: " + large + "\n\n", true, 1);
        assertThat(parts.all.toString().equals(large + "|")).isTrue();
        assertThat(parts.ended).isFalse();
    }
}
