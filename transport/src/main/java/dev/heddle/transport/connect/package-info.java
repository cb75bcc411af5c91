/** Conversations with backends: streamable HTTP, HTTP+SSE, stdio, in-process. */
@NullMarked
package dev.heddle.transport.connect;

import org.jspecify.annotations.NullMarked;
