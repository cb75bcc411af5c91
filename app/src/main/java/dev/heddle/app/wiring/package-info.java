/** The composition root: where everything is made, and in which order it ends. */
@NullMarked
package dev.heddle.app.wiring;

import org.jspecify.annotations.NullMarked;
