/** Data sets of text and their encoding as token ids with labels. */
@NullMarked
package dev.graft.data.dataset;

import org.jspecify.annotations.NullMarked;
