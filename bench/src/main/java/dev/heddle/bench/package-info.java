/** Measures gateways from outside: a stub to be behind them, a load to be in front, and rows. */
@NullMarked
package dev.heddle.bench;

import org.jspecify.annotations.NullMarked;
