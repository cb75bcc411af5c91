package dev.heddle.redis;

import dev.heddle.core.events.EventStorage;
import dev.heddle.core.exchange.BoundedMap;
import dev.heddle.core.fault.Fault;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.Range.Boundary;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * Keeps each stream of a session as one of Redis: the event {@code n} is its entry {@code n-1}, so
 * that what stands behind it has its place. Thread-safe.
 */
final class RedisEventStorage implements EventStorage {
    private static final Range<String> ALL = Range.create("-", "+");
    private static final Limit ONE = Limit.create(0, 1);
    private static final int MANY = 10_000;
    private static final String WRITER = "w";
    private static final String TOKEN = "f";
    private static final String REQUESTS = "q";
    private static final String KIND = "k";
    private static final String TEXT = "t";

    private final Redis redis;
    private final RecordForm form;
    private final String prefix;
    private final String node;
    private final BooleanSupplier there;
    private final String keep = Long.toString(KEPT.toMillis());

    /** The names of sessions under which others have begun streams, while keys are changed. */
    private final BoundedMap<String, String> taken = new BoundedMap<>(MANY);

    /**
     * @param there whether the store is there, without asking it
     */
    RedisEventStorage(
            Redis redis, RecordForm form, String prefix, String node, BooleanSupplier there) {
        this.redis = redis;
        this.there = there;
        this.form = form;
        this.prefix = prefix;
        this.node = node;
    }

    private String key(String name, String stream) {
        return prefix + name + ':' + stream;
    }

    @Override
    public CompletionStage<Appended> append(Batch batch) {
        if (!there.getAsBoolean()) { // nobody is to wait for what will not come
            return CompletableFuture.failedStage(new Fault.StorageUnavailable("it is away"));
        }
        try {
            var name = name(batch.session(), batch.stream());
            var key = key(name, batch.stream());
            return Scripts.APPEND
                    .send(redis.ask(), key, arguments(name, batch))
                    .thenApply(RedisEventStorage::appended);
        } catch (RuntimeException away) {
            return CompletableFuture.failedStage(away);
        }
    }

    private static Appended appended(long done) {
        return done > 0 ? new Appended.Written() : new Appended.Taken(-1 - done);
    }

    /** A stream goes on where it has begun. */
    private String name(String session, String stream) {
        return taken.get(session + ' ' + stream).orElseGet(() -> form.names(session).getFirst());
    }

    private String[] arguments(String name, Batch batch) {
        var all = new ArrayList<String>();
        all.add(keep);
        all.add(node);
        all.add(Long.toString(batch.token()));
        all.add(Boolean.toString(batch.anew()));
        all.add(firstKept(batch) + "-0");
        all.add(batch.requests());
        for (var entry : batch.entries()) {
            var which = which(batch.stream(), entry.number(), entry.kind());
            all.add(Long.toString(entry.number()));
            all.add(entry.kind().name());
            all.add(entry.text().isEmpty() ? "" : form.sealed(name, which, entry.text()));
        }
        return all.toArray(String[]::new);
    }

    /** The last entry stays, so that it can be seen who has written it. */
    private static long firstKept(Batch batch) {
        return batch.entries().isEmpty()
                ? 0
                : Math.min(batch.forgotten() + 1, batch.entries().getLast().number());
    }

    /** No text can be put into the place of another one. */
    private static String which(String stream, long number, Kind kind) {
        return stream + ' ' + number + ' ' + kind;
    }

    @Override
    public Optional<Kept> read(String session, String stream, long after, int most) {
        for (var name : form.names(session)) {
            var last = edge(commands -> commands.xrevrange(key(name, stream), ALL, ONE));
            if (last.isPresent()) {
                return read(name, stream, last.get(), after, most);
            }
        }
        return Optional.empty();
    }

    private Optional<StreamMessage<String, String>> edge(
            Function<
                            RedisClusterAsyncCommands<String, String>,
                            RedisFuture<List<StreamMessage<String, String>>>>
                    command) {
        return redis.ask(command).stream().findFirst();
    }

    /** Looks last for what has been forgotten meanwhile. */
    private Optional<Kept> read(
            String name, String stream, StreamMessage<String, String> last, long after, int most) {
        var range = Range.from(Boundary.excluding(after + "-1"), Boundary.including(last.getId()));
        var found =
                redis.ask(
                        commands ->
                                commands.xrange(key(name, stream), range, Limit.create(0, most)));
        var first = edge(commands -> commands.xrange(key(name, stream), ALL, ONE));
        if (after > number(last) || first.filter(one -> isBehind(one, after)).isEmpty()) {
            return Optional.empty();
        }
        var entries = new ArrayList<Entry>();
        for (var one : found) {
            var entry = entry(name, stream, one);
            if (entry.isEmpty()) {
                return Optional.empty(); // nobody knows a key for it
            }
            entries.add(entry.get());
        }
        var kind = kind(last);
        return Optional.of(
                new Kept(
                        entries,
                        last.getId(),
                        last.getBody().getOrDefault(WRITER, ""),
                        Long.parseLong(last.getBody().getOrDefault(TOKEN, "0")),
                        kind == Kind.LAST || kind == Kind.END,
                        last.getBody().getOrDefault(REQUESTS, "[]")));
    }

    /** Whether nothing is missing between the event {@code after} and this first entry. */
    private static boolean isBehind(StreamMessage<String, String> first, long after) {
        return switch (kind(first)) {
            case EVENT, LAST -> after >= number(first) - 1;
            case BEGINNING, END, TAKEN -> after >= number(first);
        };
    }

    private static long number(StreamMessage<String, String> entry) {
        var id = entry.getId();
        return Long.parseLong(id.substring(0, id.indexOf('-')));
    }

    private static Kind kind(StreamMessage<String, String> entry) {
        var name = entry.getBody().getOrDefault(KIND, "");
        return Arrays.stream(Kind.values())
                .filter(kind -> kind.name().equals(name))
                .findAny()
                .orElse(Kind.TAKEN); // of a newer version, and nothing for a client
    }

    private Optional<Entry> entry(
            String name, String stream, StreamMessage<String, String> message) {
        var sealed = message.getBody().getOrDefault(TEXT, "");
        long number = number(message);
        var kind = kind(message);
        var text =
                sealed.isEmpty() || kind == Kind.TAKEN
                        ? Optional.of("")
                        : form.opened(name, which(stream, number, kind), sealed);
        return text.map(opened -> new Entry(number, kind, opened));
    }

    @Override
    public boolean take(String session, String stream, String place, long token) {
        var names = form.names(session);
        var found =
                names.stream()
                        .filter(
                                name ->
                                        redis.run(
                                                        Scripts.TAKE,
                                                        key(name, stream),
                                                        keep,
                                                        node,
                                                        Long.toString(token),
                                                        place)
                                                > 0)
                        .findFirst();
        found.filter(name -> !name.equals(names.getFirst()))
                .ifPresent(name -> taken.put(session + ' ' + stream, name));
        return found.isPresent();
    }
}
