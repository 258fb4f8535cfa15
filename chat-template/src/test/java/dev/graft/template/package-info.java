@NullMarked
package dev.graft.template;

import org.jspecify.annotations.NullMarked;
