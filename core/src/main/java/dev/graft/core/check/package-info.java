/** Conformance: comparing a model and its adapters with a reference's recorded results. */
@NullMarked
package dev.graft.core.check;

import org.jspecify.annotations.NullMarked;
