/** Models that exist as a shape alone, and what it takes to train them. */
@NullMarked
package dev.graft.tools.plan;

import org.jspecify.annotations.NullMarked;
