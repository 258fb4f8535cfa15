@NullMarked
package dev.graft.data.template;

import org.jspecify.annotations.NullMarked;
