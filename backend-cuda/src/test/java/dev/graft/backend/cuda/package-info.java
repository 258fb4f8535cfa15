/** Tests of the CUDA backend; those that need a GPU say so and are skipped without one. */
@NullMarked
package dev.graft.backend.cuda;

import org.jspecify.annotations.NullMarked;
