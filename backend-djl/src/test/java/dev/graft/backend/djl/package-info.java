/** Tests of the DJL backend's own choices; the backend contract holds its results. */
@NullMarked
package dev.graft.backend.djl;

import org.jspecify.annotations.NullMarked;
