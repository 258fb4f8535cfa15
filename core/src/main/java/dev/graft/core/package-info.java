/** Opens models, attaches adapters to them, trains them and generates with them: what a program uses. */
@NullMarked
package dev.graft.core;

import org.jspecify.annotations.NullMarked;
