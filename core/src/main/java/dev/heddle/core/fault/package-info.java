/** The ways in which a call may fail that its caller can be told. */
@NullMarked
package dev.heddle.core.fault;

import org.jspecify.annotations.NullMarked;
