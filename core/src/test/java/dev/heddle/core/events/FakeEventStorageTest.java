package dev.heddle.core.events;

import dev.heddle.testkit.EventStorageContract;
import dev.heddle.testkit.FakeEventStorage;

/** What stands in for a store in tests does what stores do. */
class FakeEventStorageTest extends EventStorageContract {
    private final FakeEventStorage storage = new FakeEventStorage();

    @Override
    protected EventStorage node(int number) {
        return storage.node("n" + number);
    }
}
