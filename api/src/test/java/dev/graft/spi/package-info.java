/** Tests of the service interfaces' values. */
@NullMarked
package dev.graft.spi;

import org.jspecify.annotations.NullMarked;
