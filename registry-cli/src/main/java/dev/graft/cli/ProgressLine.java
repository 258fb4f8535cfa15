package dev.graft.cli;

import dev.graft.core.files.TensorProgress;
import java.io.PrintWriter;
import java.util.Locale;

/** Draws how far a long work is on one line of a terminal; elsewhere it stays quiet. */
final class ProgressLine implements TensorProgress, AutoCloseable {
  private static final int CELLS = 30;
  private static final long REDRAW_NANOS = 100_000_000L;

  private final PrintWriter out;
  private final boolean terminal;
  private final long start = System.nanoTime();
  private long drawn = start - REDRAW_NANOS;
  private int width;

  /**
   * Prepares a line.
   *
   * @param terminal whether a person watches
   */
  ProgressLine(PrintWriter out, boolean terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  @Override
  public void report(String tensor, long done, long total) {
    long now = System.nanoTime();
    if (!terminal || now - drawn < REDRAW_NANOS) {
      return;
    }
    drawn = now;
    double share = total == 0 ? 1 : (double) done / total;
    int full = (int) (share * CELLS);
    double seconds = (now - start) * 1e-9;
    String left = share < 0.01 ? "" : String.format(Locale.ROOT, ", %.0f s left", seconds / share - seconds);
    draw(String.format(Locale.ROOT, "[%s%s] %3.0f %%%s  %s", "#".repeat(full), " ".repeat(CELLS - full),
        share * 100, left, tensor));
  }

  private void draw(String text) {
    out.print("\r" + text + " ".repeat(Math.max(0, width - text.length())));
    out.flush();
    width = text.length();
  }

  /** Wipes the line. */
  @Override
  public void close() {
    if (width > 0) {
      out.print("\r" + " ".repeat(width) + "\r");
      out.flush();
      width = 0;
    }
  }
}
