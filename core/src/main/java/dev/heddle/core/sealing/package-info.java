/** What only this gateway can read, and names that only it can give. */
@NullMarked
package dev.heddle.core.sealing;

import org.jspecify.annotations.NullMarked;
