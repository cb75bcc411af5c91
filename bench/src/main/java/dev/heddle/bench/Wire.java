package dev.heddle.bench;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** One client with one connection and one session, in blocking form. Confined to one thread. */
final class Wire implements AutoCloseable {

    /** One answer, with its header names in lower case. */
    record Answer(int status, Map<String, String> headers, String body) {}

    private static final AtomicLong CALLS = new AtomicLong(1_000_000);
    private static final String NEXT = "\"nextCursor\":\"";

    private final URI url;
    private final Socket socket;
    private final InputStream in;
    private String session = "";
    private long ids = 1;
    private long answeredAt;

    Wire(URI url) {
        this(url, 64 * 1024);
    }

    /** One that goes on with the session of {@code other}. */
    Wire(Wire other) {
        this(other.url, 512);
        session = other.session;
    }

    /** One that goes on with the session of {@code other} at another gateway. */
    Wire(URI url, Wire other) {
        this(url);
        session = other.session;
    }

    private Wire(URI url, int buffer) {
        this.url = url;
        try {
            socket = new Socket();
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(60_000);
            socket.connect(new InetSocketAddress(url.getHost(), url.getPort()), 10_000);
            in = new BufferedInputStream(socket.getInputStream(), buffer);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Begins a session. Returns how long its answer took, in nanoseconds. */
    long initialize() {
        session = "";
        long began = System.nanoTime();
        var answer =
                post(
                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
                            + "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}");
        answeredAt = System.nanoTime();
        long took = answeredAt - began;
        require(answer, 200);
        var name = answer.headers().get("mcp-session-id");
        session =
                (name == null ? "" : "Mcp-Session-Id: " + name + "\r\n")
                        + "MCP-Protocol-Version: 2025-11-25\r\n";
        require(post("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"), 202);
        return took;
    }

    /** When the answer to initialize had come. */
    long answeredAt() {
        return answeredAt;
    }

    /** Calls each backend once, so that all of them are open. */
    void callsReach(Subject subject, List<Stub> stubs) {
        for (int i = 0; i < stubs.size(); i++) {
            call(subject.tool(Gateways.backend(i), "echo0"));
        }
    }

    /** Reads all pages of a list. */
    void listAll(String kind) {
        var params = "{}";
        while (!params.isEmpty()) {
            var page = request(kind + "/list", params).body();
            int at = page.indexOf(NEXT);
            params =
                    at < 0
                            ? ""
                            : "{\"cursor\":\""
                                    + page.substring(
                                            at + NEXT.length(),
                                            page.indexOf('"', at + NEXT.length()))
                                    + "\"}";
        }
    }

    Answer request(String method, String params) {
        var answer =
                post(
                        "{\"jsonrpc\":\"2.0\",\"id\":"
                                + ++ids
                                + ",\"method\":\""
                                + method
                                + "\",\"params\":"
                                + params
                                + "}");
        require(answer, 200);
        return answer;
    }

    Answer call(String tool) {
        return request("tools/call", "{\"name\":\"" + tool + "\",\"arguments\":{}}");
    }

    /** Calls a tool, whose answer {@link #readResult} reads. */
    void writeCall(String tool) {
        var body =
                "{\"jsonrpc\":\"2.0\",\"id\":"
                        + CALLS.incrementAndGet()
                        + ",\"method\":\"tools/call\",\"params\":{\"name\":\""
                        + tool
                        + "\",\"arguments\":{}}}";
        write("POST", "Content-Length: " + body.length() + "\r\n", body);
    }

    void readResult() {
        require(read(), 200);
    }

    private static void require(Answer answer, int status) {
        if (answer.status() != status || answer.body().contains("\"error\":")) {
            throw new IllegalStateException("found " + answer + " (expected: " + status + ")");
        }
    }

    Answer post(String body) {
        write("POST", "Content-Length: " + body.length() + "\r\n", body);
        return read();
    }

    /** Opens the GET stream; {@link #line} then reads it. */
    void listen() {
        write("GET", "", "");
        try {
            head();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The next line of a stream that says something. */
    String line() {
        try {
            while (true) {
                var line = readLine();
                if (line.startsWith("data:")) {
                    return line;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void end() {
        write("DELETE", "", "");
        read();
    }

    private void write(String method, String headers, String body) {
        var text =
                method
                        + " "
                        + url.getPath()
                        + " HTTP/1.1\r\nHost: "
                        + url.getAuthority()
                        + "\r\nContent-Type: application/json\r\n"
                        + "Accept: application/json, text/event-stream\r\n"
                        + session
                        + headers
                        + "\r\n"
                        + body;
        try {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Answer read() {
        try {
            var headers = new HashMap<String, String>();
            int status = head(headers);
            var body = new ByteArrayOutputStream();
            if ("chunked".equals(headers.get("transfer-encoding"))) {
                for (int size = chunk(); size > 0; size = chunk()) {
                    body.write(in.readNBytes(size));
                    readLine();
                }
                readLine();
            } else {
                body.write(
                        in.readNBytes(
                                Integer.parseInt(headers.getOrDefault("content-length", "0"))));
            }
            return new Answer(status, headers, body.toString(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private int chunk() throws IOException {
        return Integer.parseInt(readLine().strip(), 16);
    }

    private void head() throws IOException {
        head(new HashMap<>());
    }

    private int head(Map<String, String> headers) throws IOException {
        int status = Integer.parseInt(readLine().substring(9, 12));
        for (var line = readLine(); !line.isEmpty(); line = readLine()) {
            int colon = line.indexOf(':');
            headers.put(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).strip());
        }
        return status;
    }

    private String readLine() throws IOException {
        var line = new StringBuilder();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new IOException("connection closed");
            }
            if (b != '\r') {
                line.append((char) b);
            }
        }
        return line.toString();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
