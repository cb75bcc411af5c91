/** Real servers for tests. */
@NullMarked
package dev.heddle.redis.testkit;

import org.jspecify.annotations.NullMarked;
