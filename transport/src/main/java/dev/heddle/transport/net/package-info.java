/** Event loops, and the timers and streams that both sides of the gateway use. */
@NullMarked
package dev.heddle.transport.net;

import org.jspecify.annotations.NullMarked;
