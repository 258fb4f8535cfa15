@NullMarked
package dev.graft.data.metrics;

import org.jspecify.annotations.NullMarked;
