/** Several adapters over one base model: which are there, which acts, and what they make together. */
@NullMarked
package dev.graft.core.adapters;

import org.jspecify.annotations.NullMarked;
