/**
 * Two small MCP servers that live in this process, so that Heddle works before anything is
 * configured.
 */
@NullMarked
package dev.heddle.app.demo;

import org.jspecify.annotations.NullMarked;
