/** Text generation: decoding with a cache of keys and values. */
@NullMarked
package dev.graft.core.generate;

import org.jspecify.annotations.NullMarked;
