package dev.heddle.core.session;

import dev.heddle.core.aggregation.Aggregator;
import dev.heddle.core.backend.BackendConnector;
import dev.heddle.core.catalog.CatalogReader;
import dev.heddle.core.catalog.Catalogs;
import dev.heddle.core.catalog.Watches;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.health.HealthBoard;
import dev.heddle.core.tasks.TaskNames;

import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * What all sessions of one factory have in common.
 *
 * @param watches keep the catalogs fresh, so that a session need not start a lazy backend only to
 *     learn what it offers
 * @param storage where the names of open backend sessions are noted, so that they can be taken over
 * @param self what other processes reach this one by, if they can: its name and address
 * @param virtual runs blocking code, each task on a virtual thread of its own
 */
record Shared(
        BackendConnector connector,
        Catalogs catalogs,
        CatalogReader reader,
        Optional<Watches> watches,
        Aggregator aggregator,
        HealthBoard health,
        OpeningLimits openings,
        Goodbyes goodbyes,
        Ids ids,
        TaskNames tasks,
        Alarms alarms,
        InstantSource clock,
        Executor virtual,
        Optional<SessionStorage> storage,
        Optional<String> self,
        LostState lostState,
        SessionObserver observer) {

    /** What somebody is told who comes too late for a session here. */
    Fault closed() {
        return storage.filter(SessionStorage::isShared).isPresent()
                ? new Fault.SessionMoved()
                : new Fault.SessionClosed();
    }
}
