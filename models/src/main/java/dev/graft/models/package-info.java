/** Model families: {@code config.json} to graph. */
@NullMarked
package dev.graft.models;

import org.jspecify.annotations.NullMarked;
