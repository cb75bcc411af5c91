/** The servers behind the gateway and the conversations with them. */
@NullMarked
package dev.heddle.core.backend;

import org.jspecify.annotations.NullMarked;
