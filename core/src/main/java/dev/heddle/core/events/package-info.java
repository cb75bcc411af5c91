/** What has gone out on the streams to clients, kept so that none of it is lost on the way. */
@NullMarked
package dev.heddle.core.events;

import org.jspecify.annotations.NullMarked;
