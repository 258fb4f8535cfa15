/** Offers tokenizers, chat templates and data files to core, as the service of text. */
@NullMarked
package dev.graft.data.text;

import org.jspecify.annotations.NullMarked;
