/** Metrics, logs and the pages that show the state of the gateway. */
@NullMarked
package dev.heddle.app.telemetry;

import org.jspecify.annotations.NullMarked;
