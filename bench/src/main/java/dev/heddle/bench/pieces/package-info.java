/** What single pieces of the forwarding path cost, measured with JMH. */
@NullMarked
package dev.heddle.bench.pieces;

import org.jspecify.annotations.NullMarked;
