package dev.graft.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class TerminalTests {
  private final StringWriter written = new StringWriter();
  private long now;

  private Terminal.Progress progress(boolean interactive) {
    return new Terminal(new PrintWriter(written), interactive, () -> now).progress();
  }

  @Test
  void onATerminalALineIsWrittenOverAndShorterTextLeavesNothingBehind() {
    Terminal.Progress progress = progress(true);
    progress.show("step 1 of 10", false);
    now += 200_000_000L;
    progress.show("step 2", false);
    assertThat(written).hasToString("\rstep 1 of 10\rstep 2      ");
    progress.note("saved");
    assertThat(written.toString()).endsWith("\r      \rsaved" + System.lineSeparator());
  }

  @Test
  void onATerminalItIsNotDrawnMoreThanTenTimesASecond() {
    Terminal.Progress progress = progress(true);
    for (int i = 0; i < 1000; i++) {
      progress.show("step " + i, false);
      now += 1_000_000L;
    }
    assertThat(written.toString().chars().filter(c -> c == '\r')).hasSize(10);
  }

  @Test
  void elsewhereOnlyMilestonesGetALine() {
    Terminal.Progress progress = progress(false);
    progress.show("step 1", true);
    progress.show("step 2", false);
    progress.show("step 3", true);
    progress.clear();
    assertThat(written.toString().lines()).containsExactly("step 1", "step 3");
  }
}
