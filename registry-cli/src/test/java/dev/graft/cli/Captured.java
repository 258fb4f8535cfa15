package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;

/**
 * Runs the command in this process and keeps what it prints.
 *
 * @param code exit code
 * @param out what went to the standard output
 * @param err what went to the standard error
 */
record Captured(int code, String out, String err) {
  static Captured run(String... args) {
    return runWith("", args);
  }

  /** Runs the command as if a person watched. */
  static Captured shown(String... args) {
    return run("", true, args);
  }

  static Captured runWith(String input, String... args) {
    return run(input, false, args);
  }

  private static Captured run(String input, boolean interactive, String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Graft.run(new Streams(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
        new PrintWriter(out), new PrintWriter(err), interactive), args);
    return new Captured(code, out.toString(), err.toString());
  }

  /** Requires that the command was done. */
  Captured done() {
    assertThat(code).as(err).isZero();
    assertThat(err).isEmpty();
    return this;
  }

  /** Requires a fault of the user's, told in one line without a trace, and returns that line. */
  String refused() {
    assertThat(code).as(out + err).isEqualTo(2);
    assertThat(err.strip().lines()).hasSize(1);
    assertThat(err).startsWith("graft: ").doesNotContain("Exception", "\tat ");
    return err.strip();
  }
}
