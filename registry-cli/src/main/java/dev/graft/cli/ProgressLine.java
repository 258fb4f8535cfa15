package dev.graft.cli;

import dev.graft.cli.text.Terminal;
import dev.graft.formats.TensorProgress;
import java.io.PrintWriter;
import java.util.Locale;

/** Draws how far a long work is on one line of a terminal; elsewhere it stays quiet. */
final class ProgressLine implements TensorProgress, AutoCloseable {
  private static final int CELLS = 30;

  private final Terminal.Progress progress;
  private final long start = System.nanoTime();

  /**
   * Prepares a line.
   *
   * @param terminal whether a person watches
   */
  ProgressLine(PrintWriter out, boolean terminal) {
    this.progress = new Terminal(out, terminal, System::nanoTime).progress();
  }

  @Override
  public void report(String tensor, long done, long total) {
    double share = total == 0 ? 1 : (double) done / total;
    int full = (int) (share * CELLS);
    double seconds = (System.nanoTime() - start) * 1e-9;
    String left = share < 0.01 ? "" : String.format(Locale.ROOT, ", %.0f s left", seconds / share - seconds);
    progress.show(String.format(Locale.ROOT, "[%s%s] %3.0f %%%s  %s", "#".repeat(full),
        " ".repeat(CELLS - full), share * 100, left, tensor), false);
  }

  /** Wipes the line. */
  @Override
  public void close() {
    progress.clear();
  }
}
