package dev.heddle.core.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.heddle.core.fault.Fault;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IdentityBindingTest {
    private static final Identity ANNA = new Identity("https://idp", "anna", "token-1");

    @ParameterizedTest
    @CsvSource({
        "'','','',true",
        "https://idp,'','',true",
        "'',anna,'',true",
        "https://idp,anna,'',false",
        "'','',token,false"
    })
    void anonymous_is_allowed_without_a_token_and_without_issuer_and_subject(
            String issuer, String subject, String token, boolean allowed) {
        assertThat(new Identity(issuer, subject, token).allowsAnonymous()).isEqualTo(allowed);
    }

    @Test
    void the_text_form_reads_back() {
        for (var binding :
                new IdentityBinding[] {
                    IdentityBinding.of(ANNA), IdentityBinding.of(Identity.NONE)
                }) {
            assertThat(IdentityBinding.parse(binding.format())).isEqualTo(binding);
        }
        assertThat(IdentityBinding.of(ANNA).format()).isEqualTo("https://idp\0anna");
        assertThat(IdentityBinding.of(Identity.NONE).format()).isEqualTo("unauthenticated");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "anna",
                "\0anna",
                "https://idp\0",
                "https://idp\0an\0na",
                "Unauthenticated"
            })
    void text_that_is_no_binding_is_refused(String text) {
        assertThatThrownBy(() -> IdentityBinding.parse(text))
                .isInstanceOf(Fault.InvalidBinding.class);
    }

    @Test
    void nul_is_refused_in_both_halves() {
        assertThatThrownBy(() -> IdentityBinding.of(new Identity("a\0b", "c", "")))
                .isInstanceOf(Fault.InvalidBinding.class);
        assertThatThrownBy(() -> IdentityBinding.of(new Identity("a", "b\0c", "")))
                .isInstanceOf(Fault.InvalidBinding.class);
    }

    @Test
    void a_token_that_names_nobody_cannot_open_a_session() {
        assertThatThrownBy(() -> IdentityBinding.of(new Identity("", "", "token")))
                .isInstanceOf(Fault.InvalidBinding.class);
    }

    @Test
    void the_owner_passes_with_a_refreshed_token() {
        var binding = IdentityBinding.of(ANNA);
        assertThatCode(() -> binding.check(new Identity("https://idp", "anna", "token-2")))
                .doesNotThrowAnyException();
    }

    @Test
    void others_are_refused() {
        var binding = IdentityBinding.of(ANNA);
        assertThatThrownBy(() -> binding.check(new Identity("https://idp", "bert", "t")))
                .isInstanceOf(Fault.UnauthorizedCaller.class);
        assertThatThrownBy(() -> binding.check(new Identity("https://other", "anna", "t")))
                .isInstanceOf(Fault.UnauthorizedCaller.class);
        assertThatThrownBy(() -> binding.check(Identity.NONE)).isInstanceOf(Fault.NilCaller.class);
    }

    @Test
    void an_anonymous_session_refuses_whoever_brings_an_identity() {
        var binding = IdentityBinding.of(Identity.NONE);
        assertThatCode(() -> binding.check(Identity.NONE)).doesNotThrowAnyException();
        assertThatThrownBy(() -> binding.check(ANNA)).isInstanceOf(Fault.UnauthorizedCaller.class);
    }

    @Test
    void a_token_is_never_printed() {
        assertThat(ANNA.toString()).contains("anna").doesNotContain("token-1");
    }
}
