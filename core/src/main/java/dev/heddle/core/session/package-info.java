/** One client's conversation with many backends: the session of sessions. */
@NullMarked
package dev.heddle.core.session;

import org.jspecify.annotations.NullMarked;
