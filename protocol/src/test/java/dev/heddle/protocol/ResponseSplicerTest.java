package dev.heddle.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Optional;
import java.util.Random;

/**
 * A response that comes in pieces, wherever it is cut, is taken or refused as the same response is
 * that comes whole, and goes out alike.
 */
class ResponseSplicerTest {
    static final long EXPECTED = 7;
    static final Json ID = Json.of("the client's own");

    /** What goes out when {@code bytes} come whole; nothing if they are refused. */
    static Optional<String> whole(byte[] bytes) {
        try {
            var message = Envelope.parse(bytes);
            return message.result().isPresent() && message.id().integer().orElse(-1) == EXPECTED
                    ? Optional.of(Spliced.of(message).id(ID).toString())
                    : Optional.empty();
        } catch (Malformed refused) {
            return Optional.empty();
        }
    }

    /** What goes out when {@code bytes} come in pieces of up to {@code longest} bytes. */
    static Optional<String> pieces(byte[] bytes, int longest, Random random) {
        var out = new ByteArrayOutputStream();
        var splicer = new ResponseSplicer(EXPECTED, ID, out::write);
        try {
            int at = 0;
            while (at < bytes.length) {
                int to = Math.min(bytes.length, at + 1 + random.nextInt(longest));
                splicer.feed(bytes.clone(), at, to);
                at = to;
            }
            splicer.end();
        } catch (Malformed refused) {
            return Optional.empty();
        }
        return Optional.of(out.toString(StandardCharsets.UTF_8));
    }

    @Property(tries = 3000, edgeCases = EdgeCasesMode.NONE)
    void responses_go_out_as_if_they_had_come_whole(
            @ForAll("responses") String text,
            @ForAll @IntRange(min = 1, max = 40) int longest,
            @ForAll Random random) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        assertThat(pieces(bytes, longest, random)).isEqualTo(whole(bytes));
    }

    @Property(tries = 6000, edgeCases = EdgeCasesMode.NONE)
    void damaged_responses_are_refused_alike(
            @ForAll("responses") String text,
            @ForAll int position,
            @ForAll byte replacement,
            @ForAll @IntRange(min = 1, max = 40) int longest,
            @ForAll Random random) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        bytes[Math.floorMod(position, bytes.length)] = replacement;
        assertThat(pieces(bytes, longest, random))
                .as(() -> new String(bytes, StandardCharsets.UTF_8))
                .isEqualTo(whole(bytes));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{}}",
                "{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"result\":{}}",
                "{\"jsonrpc\":\"1.0\",\"id\":7,\"result\":{}}",
                "{\"id\":7,\"result\":{}}",
                "{\"jsonrpc\":\"2.0\",\"result\":{}}",
                "{\"jsonrpc\":\"2.0\",\"id\":7}",
                "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{},\"error\":{}}",
                "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{},\"method\":\"x\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":7,\"id\":7,\"result\":{}}",
                "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{},\"res\\u0075lt\":{}}",
                "{\"jsonrpc\":\"2.0\",\"id\":7,\"ID\":8,\"result\":{}}",
                "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}{}",
                "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}",
                "[{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}]",
                ""
            })
    void what_is_no_response_to_the_request_is_refused(String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        assertThat(whole(bytes)).isEmpty();
        assertThat(pieces(bytes, 3, new Random(1))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 513})
    void nesting_is_allowed_as_deep_as_in_a_whole_response(int depth) {
        var text =
                "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":"
                        + "[".repeat(depth)
                        + "]".repeat(depth)
                        + "}";
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        assertThat(pieces(bytes, 7, new Random(1)).isPresent()).isEqualTo(depth == 512);
        assertThat(whole(bytes).isPresent()).isEqualTo(depth == 512);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"x\":[tru1]", "\"x\":01", "\"x\" 1", "\"x\":\"\\q\""})
    void a_fault_is_named_with_its_place_in_the_whole_text(String member) {
        var text = "{\"jsonrpc\":\"2.0\"," + member + "}";
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        var splicer = new ResponseSplicer(EXPECTED, ID, (_, _, _) -> {});
        splicer.feed(bytes, 0, 19);
        assertThatThrownBy(() -> Json.parse(bytes))
                .isInstanceOf(MalformedJson.class)
                .satisfies(
                        whole ->
                                assertThatThrownBy(() -> splicer.feed(bytes, 19, bytes.length))
                                        .isInstanceOf(Malformed.class)
                                        .hasMessage("Invalid Request: " + whole.getMessage()));
    }

    @Provide
    Arbitrary<String> responses() {
        var space = Arbitraries.of("", " ", "\r\n\t");
        var ids = Arbitraries.of("7", "7", "7", "7", "8", "\"7\"", "null", "7.0");
        var extras = Arbitraries.of("", "", "\"x\":[1]", "\"Result\":1", "\"error\":{}");
        return Combinators.combine(
                        space,
                        ids,
                        JsonAgreesWithJacksonTest.values(3),
                        extras,
                        Arbitraries.randoms())
                .as(ResponseSplicerTest::response);
    }

    private static String response(
            String gap, String id, String result, String extra, Random random) {
        var members = new ArrayList<String>();
        members.add("\"jsonrpc\"" + gap + ":" + gap + "\"2.0\"");
        members.add("\"i\\u0064\"" + gap + ":" + gap + id);
        members.add("\"result\"" + gap + ":" + gap + result);
        if (!extra.isEmpty()) {
            members.add(extra);
        }
        Collections.shuffle(members, random);
        return gap + "{" + gap + String.join(gap + "," + gap, members) + gap + "}" + gap;
    }
}
