/** Memory of graphs: what backends and the passes share to plan it. */
@NullMarked
package dev.graft.compiler.memory;

import org.jspecify.annotations.NullMarked;
