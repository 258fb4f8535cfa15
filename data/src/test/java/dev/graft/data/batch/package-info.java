@NullMarked
package dev.graft.data.batch;

import org.jspecify.annotations.NullMarked;
