@NullMarked
package dev.graft.cli.example;

import org.jspecify.annotations.NullMarked;
