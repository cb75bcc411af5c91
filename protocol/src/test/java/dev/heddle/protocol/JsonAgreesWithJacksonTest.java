package dev.heddle.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;

/**
 * The scanner accepts exactly what a well-known JSON library accepts, and reads the same values.
 */
class JsonAgreesWithJacksonTest {
    private static final JsonMapper STRICT =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                                    .build())
                    .build();
    private static final JsonMapper JACKSON =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(JsonScanner.MAX_DEPTH)
                                                    .build())
                                    .build())
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                    .build();

    @Property(tries = 3000, edgeCases = EdgeCasesMode.NONE)
    void generated_documents_read_the_same(@ForAll("documents") String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        assertSame(Json.parse(bytes), JACKSON.readTree(bytes));
    }

    @Property(tries = 5000, edgeCases = EdgeCasesMode.NONE)
    void damaged_documents_are_refused_alike(
            @ForAll("documents") String text, @ForAll int position, @ForAll byte replacement) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        bytes[Math.floorMod(position, bytes.length)] = replacement;
        assertThat(accepts(bytes))
                .as(() -> new String(bytes, StandardCharsets.UTF_8))
                .isEqualTo(jacksonAccepts(bytes));
    }

    @Property(tries = 2000)
    void written_strings_read_back(@ForAll String text) {
        assertThat(Json.parse(Json.of(text).bytes()).text()).isEqualTo(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "{",
                "[",
                "[1,]",
                "{\"a\":1,}",
                "{\"a\"}",
                "{a:1}",
                "01",
                "-",
                "1.",
                ".5",
                "1e",
                "+1",
                "NaN",
                "tru",
                "nul",
                "\"\\x\"",
                "\"\\u12g4\"",
                "\"a",
                "'a'",
                "[1 2]",
                "1 2",
                "{} {}",
                "\"\t\"",
                "/**/1",
                "[1]]"
            })
    void malformed_text_is_refused(String text) {
        assertThat(accepts(text.getBytes(StandardCharsets.UTF_8))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "C0AF",
                "E080AF",
                "EDA080",
                "F4908080",
                "F8888080",
                "80",
                "C2",
                "E282",
                "F09080"
            })
    void invalid_utf8_is_refused(String hex) {
        var inner = HexFormat.of().parseHex(hex);
        var bytes = new byte[inner.length + 2];
        System.arraycopy(inner, 0, bytes, 1, inner.length);
        bytes[0] = '"';
        bytes[bytes.length - 1] = '"';
        assertThat(accepts(bytes)).isFalse();
    }

    private static void assertSame(Json ours, JsonNode theirs) {
        switch (ours.kind()) {
            case OBJECT -> {
                var members = ours.members();
                assertThat(List.copyOf(members.keySet()))
                        .isEqualTo(List.copyOf(theirs.propertyNames()));
                members.forEach((key, value) -> assertSame(value, theirs.get(key)));
            }
            case ARRAY -> {
                var elements = ours.elements();
                assertThat(elements).hasSize(theirs.size());
                for (int i = 0; i < elements.size(); i++) {
                    assertSame(elements.get(i), theirs.get(i));
                }
            }
            case STRING -> assertThat(ours.text()).isEqualTo(theirs.stringValue());
            case NUMBER ->
                    assertThat(new BigDecimal(ours.toString()))
                            .isEqualByComparingTo(theirs.decimalValue());
            case BOOLEAN -> assertThat(ours.isTrue()).isEqualTo(theirs.booleanValue());
            case NULL -> assertThat(theirs.isNull()).isTrue();
        }
    }

    private static boolean accepts(byte[] bytes) {
        try {
            var json = Json.parse(bytes);
            return hasUniqueKeys(json);
        } catch (MalformedJson e) {
            return false;
        }
    }

    private static boolean hasUniqueKeys(Json json) {
        json.members().values().forEach(JsonAgreesWithJacksonTest::hasUniqueKeys);
        json.elements().forEach(JsonAgreesWithJacksonTest::hasUniqueKeys);
        return true;
    }

    /**
     * Text is decoded first, since the library would guess other encodings than UTF-8 from bytes.
     */
    private static boolean jacksonAccepts(byte[] bytes) {
        try {
            var text =
                    StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            try (var parser = STRICT.createParser(text)) {
                boolean any = parser.nextToken() != null;
                parser.skipChildren();
                return any && parser.nextToken() == null;
            }
        } catch (JacksonException | CharacterCodingException e) {
            return false;
        }
    }

    @Provide
    Arbitrary<String> documents() {
        return values(4);
    }

    static Arbitrary<String> values(int depth) {
        var strings =
                Arbitraries.strings()
                        .withChars("abc/é☃ ")
                        .withChars('"', '\\', '\n', '\u0001')
                        .ofMaxLength(8)
                        .map(text -> Json.of(text).toString().replace("c", "\\u0063"));
        var scalars =
                Arbitraries.oneOf(
                        strings,
                        Arbitraries.of(
                                "0",
                                "-0",
                                "1.50",
                                "1e400",
                                "-12E+3",
                                "true",
                                "false",
                                "null",
                                "123456789012345678901"),
                        Arbitraries.longs().map(String::valueOf));
        if (depth == 0) {
            return scalars;
        }
        var space = Arbitraries.of("", " ", "\n", "\t \r\n");
        var inner = values(depth - 1);
        var arrays =
                inner.list()
                        .ofMaxSize(4)
                        .flatMap(
                                items ->
                                        space.map(
                                                gap ->
                                                        "["
                                                                + gap
                                                                + String.join(
                                                                        gap + "," + gap, items)
                                                                + gap
                                                                + "]"));
        var keys = Arbitraries.integers().between(0, 1000).map(i -> "\"k" + i + "\"");
        var objects =
                keys.set()
                        .ofMaxSize(4)
                        .flatMap(
                                names ->
                                        inner.list()
                                                .ofSize(names.size())
                                                .flatMap(
                                                        items ->
                                                                space.map(
                                                                        gap -> {
                                                                            var members =
                                                                                    new java.util
                                                                                                    .ArrayList<
                                                                                            String>();
                                                                            int i = 0;
                                                                            for (var name : names) {
                                                                                members.add(
                                                                                        name
                                                                                                + gap
                                                                                                + ":"
                                                                                                + gap
                                                                                                + items
                                                                                                        .get(
                                                                                                                i++));
                                                                            }
                                                                            return "{"
                                                                                    + gap
                                                                                    + String.join(
                                                                                            gap
                                                                                                    + ","
                                                                                                    + gap,
                                                                                            members)
                                                                                    + gap
                                                                                    + "}";
                                                                        })));
        return Arbitraries.oneOf(scalars, arrays, objects);
    }
}
