package dev.graft.cli;

import dev.graft.cli.text.Quantities;
import dev.graft.cli.text.Terminal;
import dev.graft.core.StepReport;
import dev.graft.core.TrainingListener;
import java.nio.file.Path;

/** Shows how training goes: loss, speed and the time that is left. */
final class ProgressPrinter implements TrainingListener {
  /** How many lines a run gets where lines stay. */
  private static final int MILESTONES = 20;
  /** Weight of the newest step in the running means. */
  private static final double NEWEST = 0.1;

  private final Terminal.Progress progress;
  private double seconds;
  private double rate;
  private double loss;

  ProgressPrinter(Terminal terminal) {
    this.progress = terminal.progress();
  }

  @Override
  public void stepDone(StepReport report) {
    // The first step also compiles, so it says little of those to come.
    seconds = mean(seconds, report.seconds());
    rate = mean(rate, report.tokensPerSecond());
    loss = mean(loss, report.loss());
    long left = report.steps() - report.step();
    boolean milestone = report.step() == 1 || left == 0
        || report.step() % Math.max(1, report.steps() / MILESTONES) == 0;
    progress.show("step " + report.step() + "/" + report.steps() + "  loss " + Quantities.loss(loss) + "  "
        + Quantities.count(Math.round(rate)) + " tokens/s  " + Quantities.time(left * seconds) + " left",
        milestone);
    if (left == 0) {
      progress.clear();
    }
  }

  private static double mean(double before, double now) {
    return before == 0 ? now : before + NEWEST * (now - before);
  }

  @Override
  public void evaluated(long step, double value) {
    progress.note("validation loss " + Quantities.loss(value) + " after step " + step);
  }

  @Override
  public void saved(long step, Path folder) {
    progress.note("saved " + folder);
  }

  @Override
  public void resumed(long step) {
    progress.note("going on after step " + step);
  }

  @Override
  public void noticed(String message) {
    progress.note(message);
  }
}
