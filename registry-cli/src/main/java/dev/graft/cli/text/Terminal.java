package dev.graft.cli.text;

import java.io.PrintWriter;
import java.util.function.LongSupplier;
import org.apiguardian.api.API;

/**
 * Writes what goes by: on a terminal one line that is written over, elsewhere a line now and then. Text is made
 * {@linkplain Printable printable}.
 *
 * @param out where to
 * @param interactive whether a person watches, so that lines may be written over
 * @param clock nanoseconds, for how often
 */
@API(status = API.Status.INTERNAL, since = "0.1")
public record Terminal(PrintWriter out, boolean interactive, LongSupplier clock) {
  /** Writes a line of its own. */
  public void line(String text) {
    out.println(Printable.text(text));
    out.flush();
  }

  /** Writes part of a line. */
  public void part(String text) {
    out.print(text);
    out.flush();
  }

  /** Begins a line that changes. */
  public Progress progress() {
    return new Progress(this);
  }

  /** A line that shows how far something is. */
  public static final class Progress {
    private static final long REDRAW_NANOS = 100_000_000L;

    private final Terminal terminal;
    private int width;
    private long drawn;

    private Progress(Terminal terminal) {
      this.terminal = terminal;
      this.drawn = terminal.clock.getAsLong() - REDRAW_NANOS;
    }

    /**
     * Shows the present state.
     *
     * @param milestone whether this is worth a line where lines stay
     */
    public void show(String state, boolean milestone) {
      String text = Printable.line(state);
      if (!terminal.interactive) {
        if (milestone) {
          terminal.line(text);
        }
        return;
      }
      long now = terminal.clock.getAsLong();
      if (now - drawn >= REDRAW_NANOS || milestone) {
        terminal.part("\r" + text + " ".repeat(Math.max(0, width - text.length())));
        width = text.length();
        drawn = now;
      }
    }

    /** Writes a line above, and lets the changing one go on below it. */
    public void note(String text) {
      clear();
      terminal.line(text);
    }

    /** Takes the changing line away. */
    public void clear() {
      if (terminal.interactive && width > 0) {
        terminal.part("\r" + " ".repeat(width) + "\r");
        width = 0;
      }
    }
  }
}
