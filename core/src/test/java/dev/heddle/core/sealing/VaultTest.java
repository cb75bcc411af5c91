package dev.heddle.core.sealing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.List;

class VaultTest {
    private static final String OLD = "an old secret of thirty-two characters";
    private static final String NEW = "a newer one, of thirty-two characters too";

    @Test
    void what_was_sealed_is_opened_with_the_same_secret_and_for_the_same_binding_only() {
        var sealed = Vault.of(List.of(OLD)).seal("content \0 \u00e9", "anna");
        assertThat(sealed).doesNotContain("content").matches("[A-Za-z0-9_-]+");
        assertThat(Vault.of(List.of(OLD)).open(sealed, "anna")).contains("content \0 \u00e9");
        assertThat(Vault.of(List.of(OLD)).open(sealed, "bert")).isEmpty();
        assertThat(Vault.of(List.of(NEW)).open(sealed, "anna")).isEmpty();
        assertThat(Vault.ofThisProcess().open(sealed, "anna")).isEmpty();
    }

    @Test
    void the_same_content_is_never_sealed_to_the_same_text() {
        var vault = Vault.ofThisProcess();
        assertThat(vault.seal("content", "anna")).isNotEqualTo(vault.seal("content", "anna"));
    }

    @Test
    void a_secret_can_be_replaced_and_the_old_one_still_opens() {
        var before = Vault.of(List.of(OLD));
        var during = Vault.of(List.of(NEW, OLD));
        var after = Vault.of(List.of(NEW));
        assertThat(during.open(before.seal("content", "anna"), "anna")).contains("content");
        assertThat(after.open(during.seal("content", "anna"), "anna")).contains("content");
        assertThat(after.open(before.seal("content", "anna"), "anna")).isEmpty();
        assertThat(during.names("x"))
                .containsExactly(after.names("x").getFirst(), before.names("x").getFirst());
    }

    @Test
    void names_are_the_same_for_the_same_text_and_secret_and_tell_nothing() {
        var names = Vault.of(List.of(OLD)).names("session");
        assertThat(Vault.of(List.of(OLD)).names("session")).isEqualTo(names);
        assertThat(Vault.of(List.of(OLD)).names("sessiom")).isNotEqualTo(names);
        assertThat(names).hasSize(1).allMatch(name -> name.matches("[A-Za-z0-9_-]{32}"));
    }

    @Test
    void what_is_no_secret_is_refused() {
        assertThatThrownBy(() -> Vault.of(List.of())).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Vault.of(List.of(OLD, "short")))
                .hasMessageContaining("32")
                .hasMessageNotContaining("short");
    }

    @Test
    void text_that_was_never_sealed_is_not_opened() {
        var vault = Vault.ofThisProcess();
        assertThat(vault.open("", "x")).isEmpty();
        assertThat(vault.open("AAAA", "x")).isEmpty();
        assertThat(vault.open("not Base64!", "x")).isEmpty();
    }
}
