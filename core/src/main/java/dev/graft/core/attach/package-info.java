/** Methods bound to models: target rules, parameters, loading, saving and merging. */
@NullMarked
package dev.graft.core.attach;

import org.jspecify.annotations.NullMarked;
