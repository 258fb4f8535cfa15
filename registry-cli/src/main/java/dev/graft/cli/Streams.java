package dev.graft.cli;

import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/**
 * Connects the command with the world.
 *
 * @param in what is typed or piped in
 * @param out results
 * @param err faults
 * @param interactive whether a person watches {@code out}
 */
record Streams(InputStream in, PrintWriter out, PrintWriter err, boolean interactive) {
  /** Returns the process's own streams, in UTF-8. */
  static Streams ofProcess() {
    boolean person = System.console() != null && System.console().isTerminal();
    return new Streams(System.in, utf8(System.out), utf8(System.err), person);
  }

  private static PrintWriter utf8(PrintStream stream) {
    return new PrintWriter(stream, true, StandardCharsets.UTF_8);
  }
}
