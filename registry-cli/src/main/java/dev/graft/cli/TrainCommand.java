package dev.graft.cli;

import dev.graft.cli.text.Quantities;
import dev.graft.cli.text.Terminal;
import dev.graft.core.DivergedException;
import dev.graft.core.GraftAdapter;
import dev.graft.core.PluginCatalog;
import dev.graft.core.StepReport;
import dev.graft.core.TrainingOptions;
import dev.graft.core.TrainingRun;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.spi.Configuration;
import jakarta.inject.Inject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Trains an adapter. */
@Command(name = "train", modelTransformer = RecipeOptions.class, mixinStandardHelpOptions = true, sortOptions = false, description = "Trains an adapter for a model. The options may also stand in a recipe, a YAML file with the same names; options given here count more.", footer = {
  "", "Examples:",
  "  graft train --model demo/base --data demo/e2e/train.jsonl.gz --method lora --rank 8 --steps 300",
  "  graft train --recipe my-recipe.yaml --lr 1e-3 --out runs/second",
  "  graft train --resume --out runs/second"})
final class TrainCommand implements Callable<Integer> {
  private final PluginCatalog plugins;
  private final Terminal terminal;
  private final Streams streams;
  private final ProcessEnd end;

  @Option(names = "--recipe", order = RecipeOptions.BEFORE_SETTINGS, paramLabel = "FILE", description = "YAML file with any of the settings below.")
  @Nullable
  Path recipeFile;

  @Option(names = "--resume", order = RecipeOptions.BEFORE_SETTINGS, description = "Go on with the run in --out after its last checkpoint, with the recipe there.")
  boolean resume;

  @Spec
  @Nullable
  CommandSpec spec;

  @ParentCommand
  @Nullable
  Graft graft;

  @Inject
  TrainCommand(PluginCatalog plugins, Terminal terminal, Streams streams, ProcessEnd end) {
    this.plugins = plugins;
    this.streams = streams;
    this.terminal = terminal;
    this.end = end;
  }

  @Override
  public Integer call() {
    Recipe recipe = resume ? resumed() : fresh();
    long started = terminal.clock().getAsLong();
    Printer printer = new Printer(recipe);
    TrainingRun.Outcome outcome;
    try (StopSignal signal = end.stopSignal()) {
      outcome = new TrainJob(recipe, plugins).run(resume, printer, signal::requested);
      double seconds = (terminal.clock().getAsLong() - started) / 1e9;
      switch (outcome) {
        case FINISHED -> finished(recipe, printer, seconds);
        case STOPPED ->
          terminal.line("Stopped. Go on with: graft train --resume --out " + recipe.folder());
      }
    } catch (DivergedException e) {
      throw new GraftException(e.getMessage() + ". To go on with a lower rate: graft train --resume --lr "
          + recipe.of(RecipeKeys.LEARNING_RATE) / 2 + " --out " + recipe.folder(), e);
    }
    return 0;
  }

  private Map<String, Object> given() {
    return RecipeOptions.given(Objects.requireNonNull(spec));
  }

  private Recipe fresh() {
    Map<String, Object> values = new LinkedHashMap<>();
    String source = "train";
    if (recipeFile != null) {
      source = recipeFile.toString();
      values.putAll(RecipeFile.read(recipeFile));
    }
    Map<String, Object> given = given();
    replaceLength(values, given);
    values.putAll(given);
    values.computeIfAbsent(RecipeKeys.OUT.name(), _ -> defaultFolder(values).toString());
    return Recipe.read(new Configuration(source, values), plugins);
  }

  /** Takes the run's length out of a recipe if it is given otherwise. */
  private static void replaceLength(Map<String, Object> recipe, Map<String, Object> given) {
    if (given.containsKey(RecipeKeys.STEPS.name())) {
      recipe.remove(RecipeKeys.EPOCHS.name());
    } else if (given.containsKey(RecipeKeys.EPOCHS.name())) {
      recipe.remove(RecipeKeys.STEPS.name());
    }
  }

  private static Path defaultFolder(Map<String, Object> values) {
    Path model = Path.of(String.valueOf(values.getOrDefault(RecipeKeys.MODEL.name(), "model")))
        .toAbsolutePath().normalize()
        .getFileName();
    return RunFolders.fresh(model + "-" + values.getOrDefault(RecipeKeys.METHOD.name(), "lora"));
  }

  /** Reads the recipe of the run's folder; options may repeat its settings but change only some. */
  private Recipe resumed() {
    Map<String, Object> given = given();
    if (!(given.get(RecipeKeys.OUT.name()) instanceof String out) || recipeFile != null) {
      throw new GraftException(
          "train --resume takes --out, the folder of the run, and reads the recipe there;"
              + " leave --recipe out");
    }
    Path file = Path.of(out).resolve(RecipeFile.NAME);
    if (Files.notExists(file)) {
      throw new GraftException(
          "There is no run in " + out + " to go on with, since there is no " + RecipeFile.NAME
              + ": begin one by graft train without --resume");
    }
    Map<String, Object> saved = RecipeFile.read(file);
    saved.put(RecipeKeys.OUT.name(), out);
    Map<String, Object> merged = new LinkedHashMap<>(saved);
    replaceLength(merged, given);
    merged.putAll(given);
    Recipe before = Recipe.read(new Configuration(file.toString(), saved), plugins);
    Recipe now = Recipe.read(new Configuration(file + " with these options", merged), plugins);
    Map<String, Object> fixed = before.values();
    // Whether the steps may change so, and whether the threads are as many as before, is the run's to judge.
    List<String> changed = RecipeKeys.ALL.stream().filter(key -> !key.freeOnResume()).map(RecipeKey::name)
        .filter(name -> given.containsKey(name) && !same(now.values().get(name), fixed.get(name))).toList();
    if (!changed.isEmpty()) {
      throw new GraftException("The run in " + out + " goes on with its own settings, so leave out --"
          + String.join(", --", changed) + ", or train into another folder");
    }
    return now;
  }

  private static boolean same(@Nullable Object a, @Nullable Object b) {
    if (a instanceof Number x && b instanceof Number y) {
      return x.doubleValue() == y.doubleValue();
    }
    return Json.format(a).equals(Json.format(b));
  }

  private void finished(Recipe recipe, Printer printer, double seconds) {
    Path folder = recipe.folder();
    terminal
        .line("Trained " + Quantities.of(printer.steps, "step") + " in " + Quantities.time(seconds) + ".");
    terminal.line("adapter  " + folder.resolve("adapter_model.safetensors"));
    terminal.line("log      " + recipe.files().log());
    terminal.line("curve    " + folder.resolve(TrainJob.CHART));
    String given = Objects.requireNonNull(graft).plugins.again();
    terminal.line(
        "Try it:  graft" + given + " generate --model " + recipe.of(RecipeKeys.MODEL) + " --adapter " + folder
            + " --prompt \"...\"");
  }

  /** Says what is trained, then how it goes. */
  private final class Printer implements TrainJob.Listener {
    private final Recipe recipe;
    private final ProgressPrinter progress = new ProgressPrinter(terminal);
    private long steps;

    Printer(Recipe recipe) {
      this.recipe = recipe;
    }

    @Override
    public void begins(GraftAdapter adapter, TrainingOptions options, Samples samples) {
      adapter.model().loaded().ifPresent(files -> Notes.print(streams, files.notes()));
      Notes.print(streams, adapter.attachment().notes());
      long all = adapter.model().base().outline().parameters().values().stream().mapToLong(s -> s.size())
          .sum();
      terminal.line("Training " + Quantities.exact(adapter.trainedParameters()) + " of "
          + Quantities.exact(all) + " parameters ("
          + Quantities.percent((double) adapter.trainedParameters() / all) + ") by "
          + adapter.attachment().method().id() + " on backend " + adapter.model().backend().id() + " in "
          + adapter.model().computeType());
      terminal.line(Quantities.of(samples.encoded().size(), "sample") + ", "
          + Quantities.of(options.steps(), "step") + " of " + Quantities.of(recipe.stepSamples(), "sample")
          + ", into " + recipe.folder());
      if (samples.idle() > 0) {
        terminal.line("Left out: " + Quantities.of(samples.idle(), "sample")
            + ", prompt alone within --max-length or marked as not to be learned");
      }
    }

    @Override
    public void stepDone(StepReport report) {
      steps = report.step();
      progress.stepDone(report);
    }

    @Override
    public void evaluated(long step, double loss) {
      progress.evaluated(step, loss);
    }

    @Override
    public void saved(long step, Path folder) {
      progress.saved(step, folder);
    }

    @Override
    public void resumed(long step) {
      steps = step;
      progress.resumed(step);
    }

    @Override
    public void noticed(String message) {
      progress.noticed(message);
    }
  }
}
