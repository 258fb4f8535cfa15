/** Errors that a user can mend. */
@NullMarked
package dev.graft.error;

import org.jspecify.annotations.NullMarked;
