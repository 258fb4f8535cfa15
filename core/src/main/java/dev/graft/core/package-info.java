/** The way in for programs: opens a model, attaches adapters to it, trains, evaluates, generates and saves. */
@NullMarked
package dev.graft.core;

import org.jspecify.annotations.NullMarked;
