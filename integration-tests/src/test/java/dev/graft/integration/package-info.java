/** Tests of the modules together. */
@NullMarked
package dev.graft.integration;

import org.jspecify.annotations.NullMarked;
