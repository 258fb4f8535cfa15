/** The CUDA backend: graphs become lists of kernels and matrix products, run on one NVIDIA GPU. */
@NullMarked
package dev.graft.backend.cuda;

import org.jspecify.annotations.NullMarked;
