package dev.heddle.core.session;

import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.exchange.Question;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a standing stream carries and keeps. Immutable.
 *
 * @param streams those that are open, oldest first
 * @param kept notices for the next stream, each under a key of its own
 * @param waiting questions for the next stream
 * @param away the last stream, whose client may come back to it
 */
record StandingState(
        List<ClientStream> streams,
        Map<String, Spliced> kept,
        List<Question> waiting,
        Optional<ClientStream> away) {
    private static final String UPDATED = "updated ";
    private static final int MAX_KEPT = 1000;
    private static final int MAX_WAITING = 100;

    static final StandingState EMPTY =
            new StandingState(List.of(), Map.of(), List.of(), Optional.empty());

    StandingState without(ClientStream stream, boolean mayComeBack) {
        var left = without(streams, stream);
        boolean last = left.isEmpty() && !streams.isEmpty() && mayComeBack;
        return StandingState.of(left, kept, waiting, last ? Optional.of(stream) : away);
    }

    /** Uses {@code stream} from now on, with which all that is kept goes out. */
    StandingState with(ClientStream stream) {
        return new StandingState(with(streams, stream), Map.of(), List.of(), Optional.empty());
    }

    /** Without the notices that are kept. */
    StandingState withoutKept() {
        return StandingState.of(streams, Map.of(), waiting, away);
    }

    StandingState withoutAway(ClientStream stream) {
        return away.filter(stream::equals).isPresent()
                ? StandingState.of(streams, kept, waiting, Optional.empty())
                : this;
    }

    static StandingState of(
            List<ClientStream> streams,
            Map<String, Spliced> kept,
            List<Question> waiting,
            Optional<ClientStream> away) {
        boolean empty = streams.isEmpty() && kept.isEmpty() && waiting.isEmpty() && away.isEmpty();
        return empty ? EMPTY : new StandingState(streams, kept, waiting, away);
    }

    Optional<ClientStream> newest() {
        return streams.isEmpty() ? Optional.empty() : Optional.of(streams.getLast());
    }

    boolean keeps(String key) {
        return kept.containsKey(key);
    }

    StandingState keeping(String key, Spliced notice) {
        if (kept.size() >= MAX_KEPT && !keeps(key)) {
            return this;
        }
        var more = new LinkedHashMap<>(kept);
        more.put(key, notice);
        return new StandingState(streams, more, waiting, away);
    }

    /** The key of the notice that the resource {@code uri} has been updated. */
    static String updated(String uri) {
        return UPDATED + uri;
    }

    static boolean isUpdate(String key) {
        return key.startsWith(UPDATED);
    }

    /** Without what another process can tell the client as well. */
    StandingState withoutOthersNews() {
        var lists = new LinkedHashMap<>(kept);
        lists.keySet().removeIf(StandingState::isUpdate);
        return StandingState.of(streams, lists, List.of(), away);
    }

    boolean isFull() {
        return waiting.size() >= MAX_WAITING;
    }

    StandingState waiting(Question question) {
        return new StandingState(streams, kept, with(waiting, question), away);
    }

    StandingState withoutWaiting(Question question) {
        return new StandingState(streams, kept, without(waiting, question), away);
    }

    Optional<Question> waitingFor(Json id) {
        return waiting.stream().filter(question -> question.id().equals(id)).findAny();
    }

    private static <T> List<T> with(List<T> list, T one) {
        var more = new ArrayList<>(list);
        more.add(one);
        return List.copyOf(more);
    }

    private static <T> List<T> without(List<T> list, T one) {
        return list.stream().filter(other -> !other.equals(one)).toList();
    }
}
