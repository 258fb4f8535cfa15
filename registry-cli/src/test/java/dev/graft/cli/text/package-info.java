@NullMarked
package dev.graft.cli.text;

import org.jspecify.annotations.NullMarked;
