/** Finds plug-ins: methods, quantizers, backends and model families. */
@NullMarked
package dev.graft.core.plugin;

import org.jspecify.annotations.NullMarked;
