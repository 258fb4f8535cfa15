/**
 * Reads and writes the files of the Hugging Face world: safetensors, model folders, adapter folders, and the
 * checkpoints of a training run. Nothing here ever opens a pickle.
 */
@NullMarked
package dev.graft.formats;

import org.jspecify.annotations.NullMarked;
