/** Base models: their outline, their weights, and the graphs made of them. */
@NullMarked
package dev.graft.core.model;

import org.jspecify.annotations.NullMarked;
