/** The PyTorch backend: graphs become TorchScript functions, run by Deep Java Library. */
@NullMarked
package dev.graft.backend.djl;

import org.jspecify.annotations.NullMarked;
