/** Conformance: comparing a model and its adapters with a reference's recorded results. */
@NullMarked
package dev.graft.tools.check;

import org.jspecify.annotations.NullMarked;
