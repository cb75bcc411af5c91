/** The front: MCP clients over HTTP. */
@NullMarked
package dev.heddle.transport.serve;

import org.jspecify.annotations.NullMarked;
