/** How numbers, progress and curves are shown to people. */
@NullMarked
package dev.graft.cli.text;

import org.jspecify.annotations.NullMarked;
