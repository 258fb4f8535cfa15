/** Tests of model families against forward passes written out as loops. */
@NullMarked
package dev.graft.models;

import org.jspecify.annotations.NullMarked;
