/** Examples that the documentation shows. */
@NullMarked
package dev.graft.testkit.example;

import org.jspecify.annotations.NullMarked;
