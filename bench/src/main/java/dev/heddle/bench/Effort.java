package dev.heddle.bench;

/**
 * How much is done for a measurement.
 *
 * @param firstWarmUp seconds before the first measurement of a gateway
 * @param warmUp seconds before each other one
 * @param measured seconds of each measurement
 * @param rounds how often each is made
 * @param whole whether the rows are measured that take minutes
 */
record Effort(double firstWarmUp, double warmUp, double measured, int rounds, boolean whole) {
    static final Effort QUICK = new Effort(8, 1, 3, 3, false);
    static final Effort WHOLE = new Effort(15, 2, 8, 5, true);
}
