@NullMarked
package dev.graft.data.dataset;

import org.jspecify.annotations.NullMarked;
