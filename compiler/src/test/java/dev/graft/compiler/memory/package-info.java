/** Tests of the service interfaces' values. */
@NullMarked
package dev.graft.compiler.memory;

import org.jspecify.annotations.NullMarked;
