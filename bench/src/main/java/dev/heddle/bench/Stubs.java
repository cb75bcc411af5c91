package dev.heddle.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Sets up stub backends for one measurement, and takes them down behind it. */
record Stubs(Loop loop) {
    /** The others have the ports behind it. */
    private static final int FIRST_PORT = 13101;

    /** What is done with them. */
    interface Setting {
        void run(List<Stub> stubs) throws IOException;
    }

    /** At ports of their own. */
    void with(int backends, int tools, Setting setting) throws IOException {
        run(backends, tools, 0, setting);
    }

    /** At the ports where gateways expect them that run already. */
    void atKnownPorts(int backends, int tools, Setting setting) throws IOException {
        run(backends, tools, FIRST_PORT, setting);
    }

    private void run(int backends, int tools, int firstPort, Setting setting) throws IOException {
        var stubs = new ArrayList<Stub>();
        for (int i = 0; i < backends; i++) {
            stubs.add(new Stub(loop, firstPort == 0 ? 0 : firstPort + i, tools, false));
        }
        try {
            setting.run(stubs);
        } finally {
            stubs.forEach(Stub::close);
        }
    }

    /** As {@link #with}, and one more that never answers. */
    void withHanging(int backends, int tools, Setting setting) throws IOException {
        with(
                backends,
                tools,
                stubs -> {
                    try (var hanging = new Stub(loop, 0, tools, true)) {
                        var all = new ArrayList<>(stubs);
                        all.add(hanging);
                        setting.run(all);
                    }
                });
    }
}
