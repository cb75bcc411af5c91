package dev.heddle.it;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** The stub server, which counts its sessions and misbehaves as told. */
final class Stub implements AutoCloseable {
    private final Child child;
    private final int control;
    private final int port;

    private Stub(Child child, int control, int port) {
        this.child = child;
        this.control = control;
        this.port = port;
    }

    static Stub start() {
        return start(0);
    }

    static Stub start(int port) {
        return start(Map.of("PORT", Integer.toString(port)));
    }

    /** One with special ways, which the fixture describes. */
    static Stub start(Map<String, String> environment) {
        var child = Child.start(environment, Peers.node(), Peers.fixture("stub.mjs"));
        var control = child.line(line -> line.startsWith("control ")).substring(8);
        var port = child.line(line -> line.matches("\\d+"));
        return new Stub(child, Integer.parseInt(control), Integer.parseInt(port));
    }

    int port() {
        return port;
    }

    String url() {
        return "http://127.0.0.1:" + port + "/mcp";
    }

    private URI control(String path) {
        return URI.create("http://127.0.0.1:" + control + path);
    }

    /** Forgets all sessions, and says so with {@code status} and {@code body}. */
    void forget(int status, String body) {
        RawClient.page(
                control(
                        "/forget?status="
                                + status
                                + "&body="
                                + URLEncoder.encode(body, StandardCharsets.UTF_8)));
    }

    /** Answers no initialize of the client of that name until {@link #release}. */
    void hold(String client) {
        RawClient.page(control("/hold?client=" + client));
    }

    void release() {
        RawClient.page(control("/release"));
    }

    /** Logs one word on all GET streams. */
    void say(String word) {
        RawClient.page(control("/say?text=" + word));
    }

    /** Says on all GET streams that a resource is another one now. */
    void update(String uri) {
        RawClient.page(control("/update?uri=" + uri));
    }

    /** Offers a further tool, and says so on all GET streams. */
    void add(String tool) {
        RawClient.page(control("/add?tool=" + tool));
    }

    /** Counts from nothing what it has counted so far. */
    void reset() {
        RawClient.page(control("/reset"));
    }

    int count(String what) {
        return RawClient.page(control("/count")).path(what).asInt();
    }

    /** Stops it from doing anything; the kernel keeps its connections. */
    void sleep() {
        child.signal("STOP");
    }

    void wake() {
        child.signal("CONT");
    }

    /** Ends it before the test ends. */
    void stop() {
        close();
    }

    @Override
    public void close() {
        child.close();
    }
}
