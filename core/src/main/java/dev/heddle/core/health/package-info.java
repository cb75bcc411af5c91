/** Whether a backend is worth calling. */
@NullMarked
package dev.heddle.core.health;

import org.jspecify.annotations.NullMarked;
