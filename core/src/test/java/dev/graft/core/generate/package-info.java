/** Tests of text generation. */
@NullMarked
package dev.graft.core.generate;

import org.jspecify.annotations.NullMarked;
