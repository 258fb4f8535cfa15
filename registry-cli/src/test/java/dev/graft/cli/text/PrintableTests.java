package dev.graft.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrintableTests {
  @ParameterizedTest
  @ValueSource(chars = {'\u0000', '\u0007', '\b', '\f', '\u000e', '\u001b', '\u007f', '\u0085', '\u009b',
    '\u200e',
    '\u2028', '\u202e', '\u2066', '\u061c', '\r'})
  void whatSteersATerminalIsSpeltOut(char c) {
    assertThat(Printable.text("a" + c + "b")).isEqualTo("a\\u%04xb".formatted((int) c));
  }

  @Test
  void everythingElseStaysAsItIs() {
    String text = "plain, ümläut, 漢字, 👩‍👩‍👧, \ttab\nline\r\nline";
    assertThat(Printable.text(text)).isEqualTo(text);
  }

  @Test
  void aMessageCannotForgeASecondOne() {
    assertThat(Printable.line("name\ngraft: all is well\r")).isEqualTo("name\\ngraft: all is well\\u000d");
  }

  @Test
  void whatIsWrittenPieceByPieceIsMadePrintableToo() {
    StringWriter written = new StringWriter();
    PrintWriter out = new PrintWriter(new PrintableWriter(new PrintWriter(written)), true);
    out.print('\u001b');
    out.append("[2J").println("!");
    out.printf("%s", "\u009b");
    out.flush();
    assertThat(written).hasToString("\\u001b[2J!" + System.lineSeparator() + "\\u009b");
  }

  @Test
  void whatIsDrawnOverAndOverIsMadePrintableBetweenTheStrokes() {
    StringWriter written = new StringWriter();
    Terminal terminal = new Terminal(new PrintWriter(written), true, () -> 1L << 40);
    terminal.progress().show("tensor \u001b[31m\n", true);
    terminal.line("\u001b");
    assertThat(written).hasToString("\rtensor \\u001b[31m\\n\\u001b" + System.lineSeparator());
  }
}
