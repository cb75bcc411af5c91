/** One request, any number of messages back, exactly one reply. */
@NullMarked
package dev.heddle.core.exchange;

import org.jspecify.annotations.NullMarked;
