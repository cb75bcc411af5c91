package dev.heddle.transport.serve;

import dev.heddle.core.exchange.Ids;
import dev.heddle.core.rounds.ParkedExchanges;
import dev.heddle.core.rounds.RequestStates;
import dev.heddle.core.session.ImplicitSessions;
import dev.heddle.core.session.SharedSubscriptions;
import dev.heddle.core.tasks.TaskNames;

/**
 * What the front needs for clients without sessions (MCP 2026-07-28).
 *
 * @param ids under which their requests are known in the sessions that they share
 * @param parked their exchanges that wait for an answer
 * @param states seals what they bring back
 * @param subscriptions what they listen to
 * @param tasks knows which processes their tasks lead to
 */
public record Stateless(
        ImplicitSessions sessions,
        Ids ids,
        ParkedExchanges parked,
        RequestStates states,
        SharedSubscriptions subscriptions,
        TaskNames tasks) {}
