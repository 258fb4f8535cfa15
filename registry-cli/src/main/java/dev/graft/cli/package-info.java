/** The {@code graft} command, and the composition of the plug-ins that it finds. */
@NullMarked
package dev.graft.cli;

import org.jspecify.annotations.NullMarked;
