/** The service interfaces: methods, quantizers, backends and model families, each found by ServiceLoader. */
@NullMarked
package dev.graft.spi;

import org.jspecify.annotations.NullMarked;
