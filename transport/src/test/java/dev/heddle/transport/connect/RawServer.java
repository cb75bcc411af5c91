package dev.heddle.transport.connect;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/** An HTTP server that answers with exactly the bytes that a test wants. */
final class RawServer implements AutoCloseable {

    /** One request: its head in lower case, and its body. */
    record Request(String head, String body) {
        boolean isFor(String method) {
            return body.contains("\"" + method + "\"");
        }

        /** The text of the JSON-RPC id. */
        String id() {
            var from = body.indexOf("\"id\":") + 5;
            int to = from;
            while (Character.isDigit(body.charAt(to))) {
                to++;
            }
            return body.substring(from, to);
        }
    }

    /** Says what goes back for a request; the connection ends if that is empty. */
    @FunctionalInterface
    interface Script {
        Optional<String> answer(Request request);
    }

    /** What servers with sessions say to whoever asks without one. */
    private static final String NO_SESSION =
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

    private final ServerSocket listening;
    private final Script script;
    private final List<Socket> connections = new CopyOnWriteArrayList<>();
    private final List<Request> requests = new CopyOnWriteArrayList<>();

    RawServer(Script script) {
        this.script = script;
        try {
            this.listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(this::accept);
    }

    /** One that opens sessions as a good server does, and leaves the rest to {@code script}. */
    static RawServer mcp(Script script) {
        return mcp("202 Accepted", script);
    }

    /** The same, which answers so when it is told that the session has ended. */
    static RawServer mcp(String farewell, Script script) {
        return new RawServer(
                request -> {
                    if (request.isFor("initialize")) {
                        return Optional.of(
                                json(
                                        "Mcp-Session-Id: s1\r\n",
                                        "{\"jsonrpc\":\"2.0\",\"id\":"
                                                + request.id()
                                                + ",\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
                                                + "\"serverInfo\":{\"name\":\"raw\",\"version\":\"1\"}}}"));
                    }
                    if (request.isFor("server/discover")) {
                        return Optional.of(NO_SESSION);
                    }
                    if (request.head().startsWith("delete")) {
                        return Optional.of(empty(farewell));
                    }
                    return request.isFor("notifications/initialized")
                            ? Optional.of(empty("202 Accepted"))
                            : script.answer(request);
                });
    }

    private static String empty(String status) {
        return "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n";
    }

    /** No answer, on a connection that stays open until the client ends it. */
    static Optional<String> silence() {
        return Optional.of("");
    }

    static String json(String headers, String body) {
        return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                + headers
                + "Content-Length: "
                + body.length()
                + "\r\n\r\n"
                + body;
    }

    static String result(Request request) {
        return "{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"ok\":true}}";
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + listening.getLocalPort() + "/mcp");
    }

    /** The connections that have been made, those that have ended too. */
    int connections() {
        return connections.size();
    }

    /** The connections that are open. */
    long open() {
        return connections.stream().filter(socket -> !socket.isClosed()).count();
    }

    List<Request> requests() {
        return requests;
    }

    private void accept() {
        try {
            while (true) {
                var socket = listening.accept();
                connections.add(socket);
                Thread.ofVirtual().start(() -> serve(socket));
            }
        } catch (IOException closed) {
            return;
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            var in = socket.getInputStream();
            for (var request = read(in); request.isPresent(); request = read(in)) {
                requests.add(request.get());
                var answer = script.answer(request.get());
                if (answer.isEmpty()) {
                    return;
                }
                socket.getOutputStream().write(answer.get().getBytes(StandardCharsets.UTF_8));
                if (answer.get().contains("Connection: close")) {
                    return;
                }
            }
        } catch (IOException gone) {
            return;
        }
    }

    private static Optional<Request> read(InputStream in) throws IOException {
        var head = new StringBuilder();
        while (!head.toString().endsWith("\r\n\r\n")) {
            int b = in.read();
            if (b < 0) {
                return Optional.empty();
            }
            head.append((char) b);
        }
        var lines =
                new ArrayList<>(List.of(head.toString().toLowerCase(Locale.ROOT).split("\r\n")));
        int length =
                lines.stream()
                        .filter(line -> line.startsWith("content-length:"))
                        .mapToInt(line -> Integer.parseInt(line.substring(15).strip()))
                        .findAny()
                        .orElse(0);
        var body = new String(in.readNBytes(length), StandardCharsets.UTF_8);
        return Optional.of(new Request(head.toString().toLowerCase(Locale.ROOT), body));
    }

    @Override
    public void close() {
        try {
            listening.close();
            for (var socket : connections) {
                socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
