package dev.heddle.app.cli;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.lang.reflect.Proxy;

/**
 * Hears the signal HUP. The JDK's only interface for signals is not part of its API, and so is
 * looked up by name; where it is missing, nothing is heard.
 */
final class Hangup {
    private static final Logger log = LoggerFactory.getLogger(Hangup.class);

    private Hangup() {}

    /** Runs {@code task}, on a virtual thread, whenever the signal comes. */
    static void listen(Runnable task) {
        try {
            var signal = Class.forName("sun.misc.Signal");
            var handler = Class.forName("sun.misc.SignalHandler");
            var proxy =
                    Proxy.newProxyInstance(
                            Hangup.class.getClassLoader(),
                            new Class<?>[] {handler},
                            (_, method, _) -> {
                                if (method.getName().equals("handle")) {
                                    Thread.ofVirtual().name("heddle-hangup").start(task);
                                }
                                return null;
                            });
            signal.getMethod("handle", signal, handler)
                    .invoke(null, signal.getConstructor(String.class).newInstance("HUP"), proxy);
        } catch (ReflectiveOperationException | IllegalArgumentException e) {
            log.debug("the signal HUP cannot be heard: {}", e.toString());
        }
    }
}
