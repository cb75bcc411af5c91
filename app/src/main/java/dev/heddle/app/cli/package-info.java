/** The command line. */
@NullMarked
package dev.heddle.app.cli;

import org.jspecify.annotations.NullMarked;
