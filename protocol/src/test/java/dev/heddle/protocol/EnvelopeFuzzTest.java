package dev.heddle.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;

import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Whatever bytes come: they are refused in the protocol's own way, or a well-known JSON library
 * reads the same message in them, and reads it with another id and name once those are replaced.
 */
class EnvelopeFuzzTest {
    private static final Json ID = Json.of(4711);
    private static final JsonMapper JACKSON =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(2 * JsonScanner.MAX_DEPTH)
                                                    .build())
                                    .build())
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    @FuzzTest(maxDuration = "20s")
    void a_message_is_refused_or_means_what_others_read_in_it(byte[] bytes) {
        Envelope message;
        try {
            message = Envelope.parse(bytes);
        } catch (Malformed refused) {
            return;
        }
        var read = read(bytes);
        assertThat(isUtf8(bytes)).isTrue();
        assertThat(read.isObject()).isTrue();
        assertThat(read.path("jsonrpc").asString("")).isEqualTo("2.0");
        assertThat(message.method()).isEqualTo(read.path("method").asString(""));
        message.name()
                .ifPresent(
                        name ->
                                assertThat(read.path("params").path("name").asString(""))
                                        .isEqualTo(name));
        assertReplaced(message, (ObjectNode) read);
    }

    private static void assertReplaced(Envelope message, ObjectNode read) {
        var replaced = Spliced.of(message).id(ID).name("other").progressToken(ID);
        assertThat(replaced.bytes()).hasSize(replaced.length());
        if (read.has("id")) {
            read.put("id", 4711);
        }
        if (read.path("params") instanceof ObjectNode params) {
            if (params.has("name")) {
                params.put("name", "other");
            }
            if (params.path("_meta") instanceof ObjectNode meta && meta.has("progressToken")) {
                meta.put("progressToken", 4711);
            }
        }
        assertThat(read(replaced.bytes())).isEqualTo(read);
    }

    private static JsonNode read(byte[] bytes) {
        try {
            return JACKSON.readTree(bytes);
        } catch (JacksonException refused) {
            throw new AssertionError(new String(bytes, StandardCharsets.UTF_8), refused);
        }
    }

    private static boolean isUtf8(byte[] bytes) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }
}
