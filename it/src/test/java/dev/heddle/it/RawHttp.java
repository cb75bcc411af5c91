package dev.heddle.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/** One connection on which a test writes what it wants, byte for byte. */
final class RawHttp implements AutoCloseable {
    static final String INITIALIZE =
            "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":"
                    + "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{}}}";

    private static final int PATIENCE_MILLIS = 20_000;

    private final Socket socket;
    private final StringBuilder arrived = new StringBuilder();
    private final URI endpoint;

    private RawHttp(Socket socket, URI endpoint) {
        this.socket = socket;
        this.endpoint = endpoint;
    }

    static RawHttp to(URI endpoint) {
        return from("127.0.0.1", endpoint);
    }

    /** A connection from one of this machine's own addresses. */
    static RawHttp from(String address, URI endpoint) {
        try {
            var socket = new Socket();
            socket.bind(new InetSocketAddress(InetAddress.getByName(address), 0));
            socket.connect(new InetSocketAddress(endpoint.getHost(), endpoint.getPort()), 5000);
            socket.setSoTimeout(PATIENCE_MILLIS);
            return new RawHttp(socket, endpoint);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    RawHttp write(String text) {
        try {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
            socket.getOutputStream().flush();
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A whole POST to the endpoint, with {@code headers} each ended by CR LF. */
    RawHttp post(String headers, String body) {
        return write(
                "POST "
                        + endpoint.getPath()
                        + " HTTP/1.1\r\nContent-Type: application/json\r\n"
                        + headers
                        + "Content-Length: "
                        + body.getBytes(StandardCharsets.UTF_8).length
                        + "\r\n\r\n"
                        + body);
    }

    /** A connection on which a client's GET stream has been asked for. */
    static RawHttp listening(Heddle heddle, RawClient client) {
        return listening(heddle, client, "");
    }

    /** A connection on which a client's GET stream has been asked for. */
    static RawHttp listening(Heddle heddle, RawClient client, String headers) {
        return listening(heddle.endpoint(), client, headers);
    }

    /** A connection on which a client's GET stream has been asked for. */
    static RawHttp listening(URI endpoint, RawClient client, String headers) {
        var raw = to(endpoint);
        raw.write(
                "GET /mcp HTTP/1.1\r\n"
                        + raw.hostHeader()
                        + "Accept: text/event-stream\r\nMcp-Session-Id: "
                        + client.session()
                        + "\r\n"
                        + headers
                        + "\r\n");
        return raw;
    }

    /** A connection on which {@code client} has made a call with the id {@code mine}. */
    static RawHttp calling(Heddle heddle, RawClient client, String tool, String arguments) {
        return calling(heddle.endpoint(), client, tool, arguments);
    }

    /** A connection on which {@code client} has made a call with the id {@code mine}. */
    static RawHttp calling(URI endpoint, RawClient client, String tool, String arguments) {
        var raw = to(endpoint);
        raw.post(
                raw.hostHeader()
                        + "Accept: application/json, text/event-stream\r\nMcp-Session-Id: "
                        + client.session()
                        + "\r\n",
                "{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"method\":\"tools/call\",\"params\":{\"name\":\""
                        + tool
                        + "\",\"arguments\":"
                        + arguments
                        + "}}");
        return raw;
    }

    String hostHeader() {
        return "Host: " + endpoint.getHost() + ":" + endpoint.getPort() + "\r\n";
    }

    /** The bytes up to and with {@code end}, or up to the end of the connection. */
    String readTo(String end) {
        var text = new StringBuilder();
        try {
            var in = socket.getInputStream();
            for (int b = in.read(); b >= 0; b = in.read()) {
                text.append((char) b);
                if (text.length() >= end.length()
                        && text.substring(text.length() - end.length()).equals(end)) {
                    break;
                }
            }
        } catch (IOException e) {
            text.append('(').append(e.getMessage()).append(')');
        }
        return text.toString();
    }

    /** So many bytes, or those up to the end of the connection. */
    String read(int count) {
        try {
            var bytes = socket.getInputStream().readNBytes(count);
            return new String(bytes, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether {@code text} is in what has arrived by now; does not wait. */
    boolean has(String text) {
        try {
            var in = socket.getInputStream();
            arrived.append(new String(in.readNBytes(in.available()), StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            arrived.append('(').append(e.getMessage()).append(')');
        }
        return arrived.indexOf(text) >= 0;
    }

    /** What {@link #has} has looked at. */
    String arrived() {
        return arrived.toString();
    }

    /** As {@link #readTo}, of many bytes, and maybe more than up to there. */
    String readMuchTo(String end) {
        var text = new StringBuilder();
        var bytes = new byte[64 * 1024];
        try {
            var in = socket.getInputStream();
            for (int count = in.read(bytes); count > 0; count = in.read(bytes)) {
                int from = Math.max(0, text.length() - end.length());
                text.append(new String(bytes, 0, count, StandardCharsets.ISO_8859_1));
                if (text.indexOf(end, from) >= 0) {
                    break;
                }
            }
            return text.toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The head of the next answer. */
    String head() {
        return readTo("\r\n\r\n");
    }

    /** The status of the next answer, whose body is left unread. */
    int status() {
        var head = head();
        return head.startsWith("HTTP/1.1 ") ? Integer.parseInt(head.substring(9, 12)) : 0;
    }

    /** Ends the connection before the test ends. */
    void hangUp() {
        close();
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
