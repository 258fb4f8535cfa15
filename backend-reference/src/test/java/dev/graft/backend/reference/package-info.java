/** Tests of the reference backend. */
@NullMarked
package dev.graft.backend.reference;

import org.jspecify.annotations.NullMarked;
