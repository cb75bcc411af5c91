package dev.heddle.core.events;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.events.StreamNews.What;
import dev.heddle.protocol.Json;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StreamNewsTest {
    @ParameterizedTest
    @EnumSource
    void what_one_process_tells_another_understands(What what) {
        var news = new StreamNews(what, "p1", "node.7", 3);
        assertThat(StreamNews.of(news.toJson())).contains(news);
    }

    @Test
    void what_only_a_newer_process_tells_is_nothing() {
        var news = Json.parse("{\"what\":\"OF_TOMORROW\",\"stream\":\"p1\",\"carrier\":\"x.1\"}");
        assertThat(StreamNews.of(news)).isEmpty();
        assertThat(StreamNews.of(Json.parse("[1]"))).isEmpty();
    }

    @Test
    void news_without_a_place_and_with_more_than_is_known_are_taken() {
        var news = Json.parse("{\"what\":\"GROWN\",\"stream\":\"p1\",\"ofTomorrow\":{\"a\":1}}");
        assertThat(StreamNews.of(news))
                .contains(new StreamNews(What.GROWN, "p1", "", StreamNews.NOWHERE));
    }
}
