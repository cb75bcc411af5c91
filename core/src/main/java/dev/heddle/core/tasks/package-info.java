/**
 * Calls whose results come later (MCP 2025-11-25, Tasks; the extension {@code
 * io.modelcontextprotocol/tasks} of 2026-07-28): the names under which clients know them, and how
 * the two kinds meet.
 */
@NullMarked
package dev.heddle.core.tasks;

import org.jspecify.annotations.NullMarked;
