package dev.heddle.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.events.EventStorage;
import dev.heddle.core.events.EventStorage.Appended;
import dev.heddle.core.events.EventStorage.Batch;
import dev.heddle.core.events.EventStorage.Entry;
import dev.heddle.core.events.EventStorage.Kept;
import dev.heddle.core.events.EventStorage.Kind;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.UUID;

/** What every store of streams does. */
public abstract class EventStorageContract {
    private static final String ID = "a session";
    private static final int ALL = Integer.MAX_VALUE;

    private final String stream = "p" + UUID.randomUUID();
    private EventStorage one;
    private EventStorage other;

    /** What the process {@code number}, 0 or 1, uses. */
    protected abstract EventStorage node(int number);

    @BeforeEach
    void begin() {
        one = node(0);
        other = node(1);
    }

    private static Entry event(long number) {
        return new Entry(number, Kind.EVENT, "message " + number);
    }

    private static Entry beginning() {
        return new Entry(0, Kind.BEGINNING, "");
    }

    private boolean append(EventStorage node, Entry... entries) {
        return append(node, 0, false, entries);
    }

    private boolean append(EventStorage node, long forgotten, boolean anew, Entry... entries) {
        return append(node, 1, forgotten, anew, entries) instanceof Appended.Written;
    }

    private Appended append(
            EventStorage node, long token, long forgotten, boolean anew, Entry... entries) {
        var batch = new Batch(ID, stream, token, "[7]", forgotten, anew, List.of(entries));
        return node.append(batch).toCompletableFuture().join();
    }

    private List<Entry> read(EventStorage node, long after) {
        return kept(node, after).entries();
    }

    private Kept kept(EventStorage node, long after) {
        return node.read(ID, stream, after, ALL).orElseThrow();
    }

    private boolean isKnown(long after) {
        return other.read(ID, stream, after, ALL).isPresent();
    }

    @Test
    void what_one_process_writes_another_reads_in_order() {
        assertThat(append(one, beginning(), event(1))).isTrue();
        assertThat(append(one, event(2), event(3))).isTrue();
        assertThat(read(other, 0)).containsExactly(event(1), event(2), event(3));
        assertThat(read(other, 2)).containsExactly(event(3));
        assertThat(read(other, 3)).isEmpty();
        assertThat(kept(other, 3).requests()).isEqualTo("[7]");
        assertThat(kept(other, 3).ended()).isFalse();
    }

    @Test
    void what_is_much_is_read_in_parts() {
        append(one, beginning(), event(1), event(2), event(3));
        assertThat(other.read(ID, stream, 0, 2).orElseThrow().entries())
                .containsExactly(event(1), event(2));
        assertThat(other.read(ID, stream, 2, 2).orElseThrow().entries()).containsExactly(event(3));
    }

    @Test
    void a_place_that_is_not_known_is_told_from_one_behind_which_nothing_is() {
        assertThat(isKnown(0)).isFalse();
        append(one, beginning(), event(1));
        assertThat(isKnown(1)).isTrue();
        assertThat(isKnown(2)).isFalse();
    }

    @Test
    void what_is_forgotten_is_not_known_any_more() {
        append(one, beginning(), event(1), event(2));
        append(one, 2, false, event(3));
        assertThat(isKnown(1)).isFalse();
        assertThat(read(other, 2)).containsExactly(event(3));
        append(one, 9, false, event(4));
        assertThat(read(other, 3)).as("the last is kept").containsExactly(event(4));
    }

    @Test
    void the_end_is_no_message_and_the_last_message_is_an_end() {
        append(one, beginning(), event(1));
        append(one, new Entry(1, Kind.END, ""));
        assertThat(kept(other, 1).ended()).isTrue();
        assertThat(read(other, 1)).containsExactly(new Entry(1, Kind.END, ""));
    }

    @Test
    void the_last_message_is_an_end() {
        append(one, beginning(), new Entry(1, Kind.LAST, "done"));
        assertThat(kept(other, 0).ended()).isTrue();
        assertThat(read(other, 1)).isEmpty();
    }

    @Test
    void who_takes_a_stream_is_the_only_one_to_write_it() {
        append(one, beginning(), event(1));
        var kept = kept(other, 0);
        assertThat(other.take(ID, stream, kept.place(), 1)).isTrue();
        assertThat(append(one, event(2))).isFalse();
        assertThat(append(other, event(2))).isTrue();
        assertThat(append(other, new Entry(2, Kind.END, ""))).isTrue();
        assertThat(read(one, 1)).contains(event(2)).endsWith(new Entry(2, Kind.END, ""));
        assertThat(kept(one, 2).writer()).isNotEqualTo(kept.writer());
    }

    @Test
    void whose_stream_was_taken_hears_what_of_it_was_written() {
        append(one, beginning(), event(1), event(2));
        other.take(ID, stream, kept(other, 0).place(), 1);
        append(other, event(3));
        assertThat(append(one, 1, 0, false, event(3))).isEqualTo(new Appended.Taken(2));
        for (int i = 4; i < 200; i++) {
            append(other, event(i));
        }
        assertThat(append(one, 1, 0, false, event(3))).isEqualTo(new Appended.Taken(2));
        append(other, 1, 150, false, event(200));
        append(other, 1, 199, true, event(200), event(201));
        one.take(ID, stream, kept(one, 201).place(), 2);
        assertThat(append(one, 1, 0, false, event(3))).isEqualTo(new Appended.Taken(2));
        assertThat(append(other, 1, 0, false, event(3))).isEqualTo(new Appended.Taken(201));
        assertThat(append(other, 9, 0, false, event(3))).isEqualTo(new Appended.Taken(-1));
    }

    @Test
    void a_process_that_has_taken_a_stream_writes_it_with_that_token_only() {
        append(one, beginning(), event(1));
        assertThat(one.take(ID, stream, kept(one, 0).place(), 2)).isTrue();
        assertThat(kept(one, 0).token()).isEqualTo(2);
        assertThat(append(one, 1, 0, false, event(2))).isEqualTo(new Appended.Taken(1));
        assertThat(append(one, 2, 0, false, event(2))).isEqualTo(new Appended.Written());
        assertThat(read(one, 1)).endsWith(event(2));
    }

    @Test
    void a_stream_that_has_not_ended_is_taken_wherever_it_stands() {
        append(one, beginning(), event(1));
        assertThat(other.take(ID, stream, "", 2)).isTrue();
        assertThat(append(one, event(2))).isFalse();
        append(other, 2, 0, false, new Entry(1, Kind.END, ""));
        assertThat(one.take(ID, stream, "", 3)).isFalse();
    }

    @Test
    void a_stream_is_not_taken_that_has_gone_on_meanwhile() {
        append(one, beginning(), event(1));
        var kept = kept(other, 0);
        append(one, event(2));
        assertThat(other.take(ID, stream, kept.place(), 1)).isFalse();
        assertThat(append(one, event(3))).isTrue();
        assertThat(other.take(ID, "unknown", kept.place(), 1)).isFalse();
    }

    @Test
    void of_two_that_take_a_stream_at_once_one_does() {
        append(one, beginning(), event(1));
        var place = kept(other, 0).place();
        assertThat(other.take(ID, stream, place, 1)).isTrue();
        assertThat(one.take(ID, stream, place, 1)).isFalse();
        assertThat(one.take(ID, stream, kept(one, 1).place(), 1)).isTrue();
        assertThat(append(one, event(2))).isTrue();
    }

    @Test
    void what_does_not_follow_on_what_is_there_begins_anew() {
        append(one, beginning(), event(1));
        append(one, event(3));
        assertThat(isKnown(1)).isFalse();
        assertThat(read(other, 2)).containsExactly(event(3));
    }

    @Test
    void what_is_written_anew_replaces_what_was_there() {
        append(one, beginning(), event(1), event(2));
        append(one, 1, true, new Entry(1, Kind.BEGINNING, ""), event(2), event(3));
        assertThat(isKnown(0)).isFalse();
        assertThat(read(other, 1)).contains(event(2), event(3));
    }

    @Test
    void to_write_nothing_loses_nothing() {
        append(one, beginning(), event(1));
        assertThat(append(one, 1, false)).isTrue();
        assertThat(read(other, 0)).containsExactly(event(1));
    }
}
