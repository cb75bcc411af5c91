/**
 * MCP messages as the bytes they arrived in, with typed views over them.
 *
 * <p>The gateway reads an {@link dev.heddle.protocol.Envelope} and leaves the rest of a message
 * alone, so that unknown fields, number text and key order pass through unchanged. Nothing here
 * decides anything.
 */
@NullMarked
package dev.heddle.protocol;

import org.jspecify.annotations.NullMarked;
