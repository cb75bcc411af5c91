/** Sessions in Redis or Valkey. */
@NullMarked
package dev.heddle.redis;

import org.jspecify.annotations.NullMarked;
