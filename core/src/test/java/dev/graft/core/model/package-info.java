/** Tests of base models. */
@NullMarked
package dev.graft.core.model;

import org.jspecify.annotations.NullMarked;
