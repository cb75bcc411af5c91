package dev.heddle.core.aggregation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UriTemplateTest {

    @ParameterizedTest
    @CsvSource({
        "r:///{id},r:///7,true",
        "r:///{id},r:///,false",
        "r:///{id},r:///7/8,false",
        "r:///{id}/x,r:///7/x,true",
        "r:///{+path},r:///a/b?c,true",
        "r:///a{/b},r:///a/b/c,true",
        "r:///a{/b},r:///a,true",
        "r:///a{?q*},r:///a?q=1&r=2,true",
        "r:///a{?q},r:///a,true",
        "r:///a{?q},r:///b,false",
        "r:///a{.ext},r:///a.txt,true",
        "r:///a{#f},r:///a#top,true",
        "r:///plain,r:///plain,true",
        "r:///plain,r:///plainer,false",
        "'r:///{a}-{b}',r:///x-y,true"
    })
    void matches_what_the_template_can_expand_to(String template, String uri, boolean matches) {
        assertThat(new UriTemplate(template).matches(uri)).isEqualTo(matches);
    }

    @Test
    void a_hostile_uri_is_decided_too() {
        var template = new UriTemplate("r:///" + "{+a}b".repeat(30));
        assertThat(template.matches("r:///" + "b".repeat(8000) + "c")).isFalse();
        assertThat(template.matches("r:///" + "b".repeat(9000))).isFalse();
    }
}
