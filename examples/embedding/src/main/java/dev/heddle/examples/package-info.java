/** Programs that use the session layer as a library. */
@NullMarked
package dev.heddle.examples;

import org.jspecify.annotations.NullMarked;
