package dev.graft.cli.text;

import dev.graft.core.train.RunLog;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.apiguardian.api.API;

/** Draws a run's losses over its steps as SVG. */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class LossChart {
  private static final int WIDTH = 800;
  private static final int HEIGHT = 420;
  private static final int LEFT = 70;
  private static final int RIGHT = 20;
  private static final int TOP = 44;
  private static final int BOTTOM = 52;
  private static final int TICKS = 6;
  private static final String PAPER = "#ffffff";
  private static final String INK = "#222222";
  private static final String GRID = "#dddddd";
  private static final String EACH_STEP = "#bcd0ea";
  private static final String SMOOTHED = "#1f5fae";
  private static final String VALIDATION = "#c8500a";

  private final StringBuilder svg = new StringBuilder();
  private final double firstStep;
  private final double lastStep;
  private final double lowest;
  private final double highest;

  private LossChart(RunLog.Curves curves) {
    List<RunLog.Point> all = Stream.concat(curves.training().stream(), curves.validation().stream()).toList();
    firstStep = all.stream().mapToLong(RunLog.Point::step).min().orElse(0);
    lastStep = Math.max(firstStep + 1, all.stream().mapToLong(RunLog.Point::step).max().orElse(1));
    double low = losses(all).min().orElse(0);
    double high = losses(all).max().orElse(1);
    double margin = high > low ? (high - low) * 0.05 : Math.max(0.05, Math.abs(high) * 0.05);
    lowest = Math.max(low - margin, low >= 0 ? 0 : Double.NEGATIVE_INFINITY);
    highest = high + margin;
  }

  private static DoubleStream losses(List<RunLog.Point> points) {
    return points.stream().mapToDouble(RunLog.Point::loss).filter(Double::isFinite);
  }

  /** Returns an SVG document with axes, ticks, the training loss, its running mean, and validation losses. */
  public static String draw(String title, RunLog.Curves curves) {
    return new LossChart(curves).document(title, curves);
  }

  private String document(String title, RunLog.Curves curves) {
    add("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\""
        + " font-family=\"sans-serif\" font-size=\"13\">", WIDTH, HEIGHT, WIDTH, HEIGHT);
    add("<rect width=\"%d\" height=\"%d\" fill=\"%s\"/>", WIDTH, HEIGHT, PAPER);
    text(LEFT, 24, "start", title);
    for (double tick : ticks(lowest, highest)) {
      add("<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>", LEFT, WIDTH - RIGHT, y(tick),
          y(tick), GRID);
      text(LEFT - 8, y(tick) + 4, "end", label(tick));
    }
    for (double tick : ticks(firstStep, lastStep)) {
      if (tick == Math.rint(tick)) {
        add("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"%s\"/>", x(tick), x(tick),
            HEIGHT - BOTTOM, HEIGHT - BOTTOM + 5, INK);
        text(x(tick), HEIGHT - BOTTOM + 20, "middle", label(tick));
      }
    }
    add("<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"%s\"/>", LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT,
        INK);
    text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12, "middle", "step");
    add("<text x=\"18\" y=\"%d\" transform=\"rotate(-90 18 %d)\" text-anchor=\"middle\" fill=\"%s\">loss</text>",
        (TOP + HEIGHT - BOTTOM) / 2, (TOP + HEIGHT - BOTTOM) / 2, INK);
    line(curves.training(), EACH_STEP, 1);
    line(smooth(curves.training()), SMOOTHED, 2);
    line(curves.validation(), VALIDATION, 2);
    for (RunLog.Point point : curves.validation()) {
      add("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>", x(point.step()), y(point.loss()),
          VALIDATION);
    }
    int at = WIDTH - RIGHT - 290;
    legend(at, SMOOTHED, "training (running mean)");
    if (!curves.validation().isEmpty()) {
      legend(at + 190, VALIDATION, "validation");
    }
    return svg.append("</svg>\n").toString();
  }

  private void legend(int x, String color, String name) {
    add("<line x1=\"%d\" x2=\"%d\" y1=\"20\" y2=\"20\" stroke=\"%s\" stroke-width=\"3\"/>", x, x + 20, color);
    text(x + 26, 24, "start", name);
  }

  private void line(List<RunLog.Point> points, String color, int width) {
    StringBuilder path = new StringBuilder();
    for (RunLog.Point point : points) {
      if (Double.isFinite(point.loss())) {
        path.append(String.format(Locale.ROOT, "%s%.1f %.1f", path.isEmpty() ? "M" : "L", x(point.step()),
            y(point.loss())));
      }
    }
    if (!path.isEmpty()) {
      add("<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%d\" stroke-linejoin=\"round\"/>", path,
          color, width);
    }
  }

  /** Averages over the last twentieth of the steps. */
  private static List<RunLog.Point> smooth(List<RunLog.Point> points) {
    int window = Math.max(1, points.size() / 20);
    List<RunLog.Point> out = new ArrayList<>();
    double sum = 0;
    for (int i = 0; i < points.size(); i++) {
      sum += points.get(i).loss() - (i >= window ? points.get(i - window).loss() : 0);
      out.add(new RunLog.Point(points.get(i).step(), sum / Math.min(window, i + 1)));
    }
    return out;
  }

  /** Chooses round numbers, at most a handful, that cover a range. */
  static List<Double> ticks(double low, double high) {
    double rough = (high - low) / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double step = Stream.of(1.0, 2.0, 5.0, 10.0).map(f -> f * power).filter(s -> s >= rough * (1 - 1e-9))
        .findFirst()
        .orElse(10 * power);
    List<Double> ticks = new ArrayList<>();
    for (double i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
      // Adding 0 makes −0 a plain 0.
      ticks.add(i * step + 0.0);
    }
    return ticks;
  }

  private static String label(double value) {
    String text = String.format(Locale.ROOT, "%.6f", value);
    return text.replaceAll("0+$", "").replaceAll("\\.$", "");
  }

  private double x(double step) {
    return LEFT + (step - firstStep) / (lastStep - firstStep) * (WIDTH - LEFT - RIGHT);
  }

  private double y(double loss) {
    return TOP + (highest - loss) / (highest - lowest) * (HEIGHT - TOP - BOTTOM);
  }

  private void text(double x, double y, String anchor, String text) {
    add("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">%s</text>", x, y, anchor, INK,
        escape(text));
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }

  private void add(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
