package dev.graft.cli;

import dev.graft.cli.text.PrintableWriter;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Connects the command with the world. All that is written to {@link #out} and {@link #err} is made printable;
 * what is to steer a terminal, or to come out byte for byte, goes another way.
 */
final class Streams {
  /** Set by the start script, which can tell on every system. */
  private static final String TERMINAL = "graft.out.terminal";

  private final InputStream in;
  private final PrintWriter unchanged;
  private final PrintWriter out;
  private final PrintWriter err;
  private final boolean interactive;
  private final boolean shown;

  /**
   * Connects streams.
   *
   * @param in what is typed or piped in
   * @param out results
   * @param err faults
   * @param interactive whether a person types and watches {@code out}
   */
  Streams(InputStream in, PrintWriter out, PrintWriter err, boolean interactive) {
    this(in, out, err, interactive, interactive);
  }

  private Streams(InputStream in, PrintWriter out, PrintWriter err, boolean interactive, boolean shown) {
    this.in = in;
    this.unchanged = out;
    this.out = new PrintWriter(new PrintableWriter(out), true);
    this.err = new PrintWriter(new PrintableWriter(err), true);
    this.interactive = interactive;
    this.shown = shown;
  }

  /** Returns the process's own streams, in UTF-8. */
  static Streams ofProcess() {
    Console console = System.console();
    boolean person = console != null && console.isTerminal();
    return new Streams(System.in, utf8(FileDescriptor.out), utf8(FileDescriptor.err), person,
        person || outIsTerminal());
  }

  private static PrintWriter utf8(FileDescriptor descriptor) {
    return new PrintWriter(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }

  /** Tells whether a terminal shows the output, which the JDK tells only if the input is typed there too. */
  private static boolean outIsTerminal() {
    Path out = Path.of("/proc/self/fd/1");
    try {
      return Boolean.getBoolean(TERMINAL)
          || Files.isSymbolicLink(out) && Files.readSymbolicLink(out).toString().matches("/dev/(pts/|tty).*");
    } catch (IOException e) {
      return false;
    }
  }

  InputStream in() {
    return in;
  }

  /** Returns where results and messages go. */
  PrintWriter out() {
    return out;
  }

  /** Returns where faults go. */
  PrintWriter err() {
    return err;
  }

  /** Returns where a model's answers go: byte for byte into a file or pipe, and printable onto a terminal. */
  PrintWriter answers() {
    return shown ? out : unchanged;
  }

  /** Returns where lines are drawn and coloured, by those who make their text printable themselves. */
  PrintWriter drawn() {
    return unchanged;
  }

  /** Tells whether a person types and watches. */
  boolean interactive() {
    return interactive;
  }

  /** Writes out what is left, and tells whether all that was ever written has arrived. */
  boolean arrived() {
    boolean lost = out.checkError() | unchanged.checkError() | err.checkError();
    return !lost;
  }
}
