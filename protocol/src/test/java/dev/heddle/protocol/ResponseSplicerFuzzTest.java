package dev.heddle.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Random;

/** Whatever bytes come in pieces: they are taken, and go out, as if they had come whole. */
class ResponseSplicerFuzzTest {
    /** Members of {@code params} are not looked at where a response comes in pieces. */
    @FuzzTest(maxDuration = "10s")
    void a_response_in_pieces_is_taken_as_if_it_came_whole(byte[] bytes) {
        var text = new String(bytes, StandardCharsets.UTF_8);
        if (!text.toLowerCase(Locale.ROOT).contains("param") && !text.contains("\\u")) {
            int longest = 1 + bytes.length % 9;
            assertThat(ResponseSplicerTest.pieces(bytes, longest, new Random(bytes.length)))
                    .isEqualTo(ResponseSplicerTest.whole(bytes));
        }
    }
}
