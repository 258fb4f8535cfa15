/** An interpreter of the Jinja that chat templates are written in. */
@NullMarked
package dev.graft.template;

import org.jspecify.annotations.NullMarked;
