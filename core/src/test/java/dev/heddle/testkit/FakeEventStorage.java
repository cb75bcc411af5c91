package dev.heddle.testkit;

import dev.heddle.core.events.EventStorage;
import dev.heddle.core.events.EventStorage.Appended;
import dev.heddle.core.events.EventStorage.Batch;
import dev.heddle.core.events.EventStorage.Entry;
import dev.heddle.core.events.EventStorage.Kept;
import dev.heddle.core.events.EventStorage.Kind;
import dev.heddle.core.fault.Fault;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Keeps streams in memory for several processes, and answers when a test says so. */
public final class FakeEventStorage {
    private record Row(
            long number, int place, Entry entry, String writer, long token, String requests) {
        boolean isOf(String node, long with) {
            return writer.equals(node) && token == with;
        }

        String id() {
            return number + "-" + place;
        }
    }

    private final Map<String, List<Row>> streams = new HashMap<>();
    private final Map<String, Long> lasts = new HashMap<>(); // of those who wrote before
    private final Queue<Runnable> held = new ArrayDeque<>();
    private boolean holding;
    private boolean away;
    private int appends;

    /** As the process {@code name} uses it. */
    public EventStorage node(String name) {
        return new Node(name);
    }

    /** Answers no append from now on. */
    public synchronized void hold() {
        holding = true;
    }

    /** Answers the appends that wait, in their order, and from now on at once. */
    public void release() {
        for (var next = next(); next.isPresent(); next = next()) {
            next.get().run();
        }
    }

    private synchronized Optional<Runnable> next() {
        holding = !held.isEmpty();
        return Optional.ofNullable(held.poll());
    }

    /** Answers the append that has waited longest. Returns whether there was one. */
    public boolean releaseOne() {
        Optional<Runnable> one;
        synchronized (this) {
            one = Optional.ofNullable(held.poll());
        }
        one.ifPresent(Runnable::run);
        return one.isPresent();
    }

    /** Whether it can be asked. */
    public synchronized void away(boolean now) {
        away = now;
    }

    /** Loses everything. */
    public synchronized void empty() {
        streams.clear();
        lasts.clear();
    }

    /** Loses the last entry of each stream, as a replica may have not got it. */
    public synchronized void loseLast() {
        streams.values().forEach(List::removeLast);
    }

    /** How many entries there are of the stream {@code name} of any session. */
    public synchronized int size(String name) {
        return streams.entrySet().stream()
                .filter(entry -> entry.getKey().endsWith(":" + name))
                .mapToInt(entry -> entry.getValue().size())
                .sum();
    }

    /** How often it has been asked to append. */
    public synchronized int appends() {
        return appends;
    }

    private synchronized void answer(Runnable answer) {
        if (holding) {
            held.add(answer);
            return;
        }
        answer.run();
    }

    private synchronized Appended append(String node, Batch batch) {
        appends++;
        if (away) {
            throw new Fault.StorageUnavailable("away");
        }
        var key = batch.session() + ':' + batch.stream();
        var rows = streams.getOrDefault(key, new ArrayList<>());
        if (!rows.isEmpty() && !rows.getLast().isOf(node, batch.token())) {
            return new Appended.Taken(lasts.getOrDefault(writer(key, node, batch.token()), -1L));
        }
        if (batch.entries().isEmpty()) {
            return new Appended.Written();
        }
        long first = batch.entries().getFirst().number();
        if (!rows.isEmpty() && (batch.anew() || first > rows.getLast().number() + 1)) {
            rows.clear();
        }
        for (var entry : batch.entries()) {
            boolean behind = !rows.isEmpty() && rows.getLast().number() == entry.number();
            boolean before = !rows.isEmpty() && rows.getLast().number() > entry.number();
            if (before || (behind && entry.kind() != Kind.END)) {
                throw new Fault.StorageUnavailable("written twice");
            }
            int place = behind ? rows.getLast().place() + 1 : 1;
            rows.add(new Row(entry.number(), place, entry, node, batch.token(), batch.requests()));
        }
        long kept = Math.min(batch.forgotten() + 1, batch.entries().getLast().number());
        rows.removeIf(row -> row.number() < kept);
        streams.put(key, rows);
        return new Appended.Written();
    }

    private static String writer(String key, String node, long token) {
        return key + ' ' + node + ' ' + token;
    }

    private static long before(Entry first) {
        boolean message = first.kind() == Kind.EVENT || first.kind() == Kind.LAST;
        return message ? first.number() - 1 : first.number();
    }

    private synchronized Optional<Kept> read(String key, long after, int most) {
        var rows = streams.get(key);
        if (away) {
            throw new Fault.StorageUnavailable("away");
        } else if (rows == null || rows.getLast().number() < after || isMissing(rows, after)) {
            return Optional.empty();
        }
        var last = rows.getLast();
        var entries =
                rows.stream()
                        .filter(row -> row.number() > after || isBehind(row, after))
                        .map(Row::entry)
                        .limit(most)
                        .toList();
        boolean ended = last.entry().kind() == Kind.LAST || last.entry().kind() == Kind.END;
        return Optional.of(
                new Kept(entries, last.id(), last.writer(), last.token(), ended, last.requests()));
    }

    private static boolean isBehind(Row row, long after) {
        return row.number() == after && row.place() > 1;
    }

    private static boolean isMissing(List<Row> rows, long after) {
        return after < before(rows.getFirst().entry());
    }

    private synchronized boolean take(String node, String key, String place, long token) {
        var rows = streams.get(key);
        if (rows == null || !mayTake(rows.getLast(), place)) {
            return false;
        }
        var last = rows.getLast();
        var mark = new Entry(last.number(), Kind.TAKEN, "");
        rows.add(new Row(last.number(), last.place() + 1, mark, node, token, last.requests()));
        lasts.put(writer(key, last.writer(), last.token()), last.number());
        return true;
    }

    private static boolean mayTake(Row last, String place) {
        boolean ended = last.entry().kind() == Kind.LAST || last.entry().kind() == Kind.END;
        return last.id().equals(place) || (place.isEmpty() && !ended);
    }

    private final class Node implements EventStorage {
        private final String name;

        Node(String name) {
            this.name = name;
        }

        @Override
        public CompletionStage<Appended> append(Batch batch) {
            var answer = new CompletableFuture<Appended>();
            try {
                var done = FakeEventStorage.this.append(name, batch);
                answer(() -> answer.complete(done));
            } catch (Fault.StorageUnavailable unavailable) {
                answer(() -> answer.completeExceptionally(unavailable));
            }
            return answer;
        }

        @Override
        public Optional<Kept> read(String session, String stream, long after, int most) {
            return FakeEventStorage.this.read(session + ':' + stream, after, most);
        }

        @Override
        public boolean take(String session, String stream, String place, long token) {
            return FakeEventStorage.this.take(name, session + ':' + stream, place, token);
        }
    }
}
