/** Adapters merged into model folders, with what that costs in exactness. */
@NullMarked
package dev.graft.tools.merge;

import org.jspecify.annotations.NullMarked;
