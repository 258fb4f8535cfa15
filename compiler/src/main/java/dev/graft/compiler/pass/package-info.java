/**
 * Improves differentiated graphs before a backend compiles them, and plans their memory. Every pass keeps the
 * results; those that do not keep them to the last bit say so.
 */
@NullMarked
package dev.graft.compiler.pass;

import org.jspecify.annotations.NullMarked;
