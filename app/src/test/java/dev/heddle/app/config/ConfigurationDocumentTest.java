package dev.heddle.app.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class ConfigurationDocumentTest {
    private static final Path DOCUMENT =
            Path.of(System.getProperty("heddle.root"), "docs", "configuration.md");

    @Test
    void the_document_says_what_the_code_does() throws IOException {
        var expected = ConfigurationDocument.text();
        if (System.getProperty("write-docs") != null) {
            Files.writeString(DOCUMENT, expected);
        }
        assertThat(Files.readString(DOCUMENT)).isEqualTo(expected);
    }
}
