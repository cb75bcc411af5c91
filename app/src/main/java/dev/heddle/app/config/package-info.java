/**
 * Configuration files: read with their lines, checked as a whole, turned into the values that the
 * parts need.
 */
@NullMarked
package dev.heddle.app.config;

import org.jspecify.annotations.NullMarked;
