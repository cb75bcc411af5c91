package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedThread;
import jdk.jfr.consumer.RecordingFile;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Nothing on an event loop waits, sleeps, or reads and writes files and blocking sockets. The
 * virtual machine's own recorder watches a gateway that does everything it can.
 */
class EventLoopsTest {
    /** What is blocking, from how many milliseconds on: for a lock two threads may meet briefly. */
    private static final Map<String, Integer> BLOCKING =
            Map.of(
                    "jdk.ThreadPark", 10,
                    "jdk.JavaMonitorEnter", 10,
                    "jdk.JavaMonitorWait", 0,
                    "jdk.ThreadSleep", 0,
                    "jdk.SocketRead", 0,
                    "jdk.SocketWrite", 0,
                    "jdk.FileRead", 0,
                    "jdk.FileWrite", 0,
                    "jdk.FileForce", 0);

    @TempDir Path folder;

    private String recorder(Path file) {
        var events =
                BLOCKING.entrySet().stream()
                        .map(
                                event ->
                                        event.getKey()
                                                + "#enabled=true,"
                                                + event.getKey()
                                                + "#threshold="
                                                + event.getValue()
                                                + "ms")
                        .collect(Collectors.joining(","));
        return "-Dio.netty.leakDetection.level=disabled"
                + " -XX:StartFlightRecording:settings=default,dumponexit=true,filename="
                + file
                + ","
                + events;
    }

    @Test
    void nothing_blocks_an_event_loop() throws IOException {
        Instant warm;
        var recording = folder.resolve("recording.jfr");
        try (var stub = Stub.start();
                var dying = Stub.start();
                var heddle =
                        Heddle.serve(
                                Map.of("JAVA_TOOL_OPTIONS", recorder(recording)),
                                folder,
                                """
                                backends:
                                  - {name: stub, url: "%s", transport: streamable-http, timeout: 1s}
                                  - {name: dying, url: "%s", transport: streamable-http, timeout: 1s}
                                  - {name: lines, command: "%s", args: ["%s"], timeout: 1s}
                                sessions: {coldStart: 10s}
                                """
                                        .formatted(
                                                stub.url(),
                                                dying.url(),
                                                Peers.node(),
                                                Peers.fixture("lines.mjs")))) {
            var tools = heddle.client().initialize().tools();
            dying.stop();
            useAll(heddle, tools); // loads most classes, for which threads do wait
            useAll(heddle, tools);
            warm = Instant.now();
            useAll(heddle, tools);
        }
        var begin = warm;
        var events =
                RecordingFile.readAllEvents(recording).stream()
                        .filter(event -> event.getStartTime().isAfter(begin))
                        .toList();
        assertThat(events).anyMatch(event -> threadOf(event).startsWith("heddle-timer"));
        assertThat(events.stream().filter(EventLoopsTest::isOnLoop).map(EventLoopsTest::describe))
                .isEmpty();
    }

    private static void useAll(Heddle heddle, List<String> tools) {
        var client = heddle.client().initialize();
        for (var tool : tools) {
            if (!tool.endsWith("ask")) {
                client.call(tool, "{\"ms\":50,\"every\":10,\"bytes\":2000000,\"status\":403}");
            }
        }
        client.request("tools/list", "{\"cursor\":\"none\"}");
        client.request("prompts/list", "{}");
        client.request("resources/read", "{\"uri\":\"x:///1\"}");
        client.request("logging/setLevel", "{\"level\":\"debug\"}");
        client.post("{\"jsonrpc\":");
        client.delete();
        client.request("tools/list", "{}");
    }

    private static boolean isOnLoop(RecordedEvent event) {
        return BLOCKING.containsKey(event.getEventType().getName())
                && threadOf(event).startsWith("heddle-loop")
                && !isClassLoading(event);
    }

    /** A class that is needed for the first time is read from its archive, wherever that is. */
    private static boolean isClassLoading(RecordedEvent event) {
        return frames(event).anyMatch(frame -> frame.startsWith("jdk.internal.loader."));
    }

    private static String threadOf(RecordedEvent event) {
        return Optional.ofNullable(event.getThread()).map(RecordedThread::getJavaName).orElse("");
    }

    private static Stream<String> frames(RecordedEvent event) {
        return event.getStackTrace() == null
                ? Stream.empty()
                : event.getStackTrace().getFrames().stream()
                        .map(
                                frame ->
                                        frame.getMethod().getType().getName()
                                                + "."
                                                + frame.getMethod().getName());
    }

    private static String describe(RecordedEvent event) {
        return event.getEventType().getName()
                + " on "
                + threadOf(event)
                + frames(event).limit(40).collect(Collectors.joining("\n  ", "\n  ", "\n"));
    }
}
