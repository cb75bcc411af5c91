package dev.heddle.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Sets up stub backends for one measurement, and takes them down behind it. */
record Stubs(Loop loop) {
    /** The others have the ports behind it, so that gateways which run already can know them. */
    private static final int FIRST_PORT = 13101;

    /** What is done with them. */
    interface Setting {
        void run(List<Stub> stubs) throws IOException;
    }

    void with(int backends, int tools, Setting setting) throws IOException {
        var stubs = new ArrayList<Stub>();
        for (int i = 0; i < backends; i++) {
            stubs.add(new Stub(loop, FIRST_PORT + i, tools, false));
        }
        try {
            setting.run(stubs);
        } finally {
            stubs.forEach(Stub::close);
        }
    }

    /** As many, and one more that never answers. */
    void withHanging(int backends, int tools, Setting setting) throws IOException {
        with(
                backends,
                tools,
                stubs -> {
                    try (var hanging = new Stub(loop, FIRST_PORT + backends, tools, true)) {
                        var all = new ArrayList<>(stubs);
                        all.add(hanging);
                        setting.run(all);
                    }
                });
    }
}
