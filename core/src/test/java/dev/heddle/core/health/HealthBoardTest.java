package dev.heddle.core.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.health.Health.State;
import dev.heddle.testkit.FakeClock;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.OptionalInt;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;

class HealthBoardTest {
    private static final BackendId A = new BackendId("a");
    private final Fault refused = Fault.BackendFailed.notSent("a", Reason.UNREACHABLE, "refuses");
    private static final Duration REST = Duration.ofSeconds(60);

    private final FakeClock clock = new FakeClock();
    private HealthBoard board = board(OptionalInt.of(2));

    private HealthBoard board(OptionalInt threshold) {
        return new HealthBoard(
                new HealthRules(Duration.ofSeconds(30), Duration.ofSeconds(10), 3, threshold, REST),
                clock);
    }

    private State state() {
        return board.health(A).state();
    }

    @Test
    void a_backend_is_unknown_before_it_is_probed() {
        assertThat(state()).isEqualTo(State.UNKNOWN);
        assertThat(board.refusal(A)).isEmpty();
    }

    @Test
    void fast_is_healthy_and_slow_is_degraded() {
        board.probeSucceeded(A, Duration.ofSeconds(1));
        assertThat(state()).isEqualTo(State.HEALTHY);
        board.probeSucceeded(A, Duration.ofSeconds(6));
        assertThat(state()).isEqualTo(State.DEGRADED);
    }

    @Test
    void failures_below_the_threshold_leave_it_usable_and_the_threshold_makes_it_unhealthy() {
        board = board(OptionalInt.empty());
        var heard = new ArrayList<State>();
        board.subscribe(
                (_, before, after) -> {
                    if (before.state().usable() != after.state().usable()) {
                        heard.add(after.state());
                    }
                });
        board.probeSucceeded(A, Duration.ZERO);
        board.probeFailed(A, refused);
        board.probeFailed(A, refused);
        assertThat(state()).isEqualTo(State.UNKNOWN);
        assertThat(board.refusal(A)).isEmpty();
        board.probeFailed(A, refused);
        assertThat(state()).isEqualTo(State.UNHEALTHY);
        assertThat(board.refusal(A))
                .hasValueSatisfying(fault -> assertThat(fault).hasMessageContaining("refuses"));
        board.probeSucceeded(A, Duration.ZERO);
        assertThat(state()).isEqualTo(State.DEGRADED);
        board.probeSucceeded(A, Duration.ZERO);
        assertThat(state()).isEqualTo(State.HEALTHY);
        assertThat(heard).containsExactly(State.UNHEALTHY, State.DEGRADED);
    }

    @Test
    void refused_credentials_make_it_unauthenticated_at_once() {
        board.probeFailed(A, Fault.BackendFailed.notSent("a", Reason.AUTHENTICATION, "no"));
        assertThat(state()).isEqualTo(State.UNAUTHENTICATED);
        assertThat(board.refusal(A)).isPresent();
    }

    @Test
    void the_breaker_opens_after_failures_in_a_row_and_lets_one_call_find_out() {
        board.callFailed(A);
        board.callSucceeded(A);
        board.callFailed(A);
        assertThat(board.refusal(A)).isEmpty();
        board.callFailed(A);
        assertThat(board.circuit(A)).contains("open");
        assertThat(board.refusal(A)).isPresent();
        clock.advance(REST);
        assertThat(board.refusal(A)).isEmpty();
        assertThat(board.circuit(A)).contains("half-open");
        assertThat(board.refusal(A)).isPresent();
        board.callFailed(A);
        assertThat(board.refusal(A)).isPresent();
        clock.advance(REST);
        assertThat(board.refusal(A)).isEmpty();
        board.callSucceeded(A);
        assertThat(board.circuit(A)).contains("closed");
    }

    @Test
    void failed_probes_open_the_breaker_too() {
        board.probeFailed(A, refused);
        board.probeFailed(A, refused);
        assertThat(board.circuit(A)).contains("open");
        assertThat(board.refusal(A)).isPresent();
    }

    @Test
    void a_trial_that_tells_nothing_makes_room_for_another() {
        board.callFailed(A);
        board.callFailed(A);
        clock.advance(REST);
        assertThat(board.refusal(A)).isEmpty();
        board.callToldNothing(A);
        assertThat(board.refusal(A)).isEmpty();
    }

    @Test
    void a_trial_that_never_reports_does_not_block_for_ever() {
        board.callFailed(A);
        board.callFailed(A);
        clock.advance(REST);
        assertThat(board.refusal(A)).isEmpty();
        clock.advance(REST);
        assertThat(board.refusal(A)).isEmpty();
    }

    @Test
    void of_many_callers_one_finds_out() throws Exception {
        for (int round = 0; round < 200; round++) {
            var fresh = board(OptionalInt.of(1));
            fresh.callFailed(A);
            clock.advance(REST);
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                var passed =
                        IntStream.range(0, 20)
                                .mapToObj(_ -> threads.submit(() -> fresh.refusal(A).isEmpty()))
                                .toList();
                int count = 0;
                for (var pass : passed) {
                    count += pass.get() ? 1 : 0;
                }
                assertThat(count).isEqualTo(1);
            }
        }
    }

    @Test
    void without_a_breaker_failures_of_calls_refuse_nothing() {
        var none = board(OptionalInt.empty());
        for (int i = 0; i < 100; i++) {
            none.callFailed(A);
        }
        assertThat(none.refusal(A)).isEmpty();
        assertThat(none.circuit(A)).isEmpty();
    }
}
