/**
 * Requests of clients without sessions that take several rounds: a server's questions become part
 * of a result, and the answers come with the next request.
 */
@NullMarked
package dev.heddle.core.rounds;

import org.jspecify.annotations.NullMarked;
