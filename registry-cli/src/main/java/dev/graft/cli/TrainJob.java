package dev.graft.cli;

import dev.graft.cli.text.LossChart;
import dev.graft.core.GraftAdapter;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingListener;
import dev.graft.core.TrainingOptions;
import dev.graft.core.TrainingRun;
import dev.graft.core.train.RunLog;
import dev.graft.data.batch.BucketedBatches;
import dev.graft.data.dataset.SampleEncoder;
import dev.graft.formats.TextFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** Carries a recipe out. */
final class TrainJob {
  static final String CHART = "loss.svg";

  private final Recipe recipe;
  private final PluginCatalog plugins;

  /** Hears how the job goes. */
  interface Listener extends TrainingListener {
    /** Hears what is about to be trained. */
    void begins(GraftAdapter adapter, TrainingOptions options, Samples samples);
  }

  TrainJob(Recipe recipe, PluginCatalog plugins) {
    this.recipe = recipe;
    this.plugins = plugins;
  }

  /**
   * Trains, and leaves the adapter, the recipe, the log and the loss curve in the recipe's folder.
   *
   * @param resume whether to go on with what is in that folder
   */
  TrainingRun.Outcome run(boolean resume, Listener listener, BooleanSupplier stop) {
    Path folder = recipe.files().folder();
    if (!resume) {
      RunFolders.requireFree(folder, "choose another --out, or go on with the run there by --resume");
    }
    ModelOptions modelOptions = new ModelOptions(recipe.backend(), recipe.computeType(), recipe.threads());
    try (TextModel text = TextModel.open(recipe.model(), modelOptions, plugins)) {
      int length = recipe.length(text.model().base().model().maxPositions());
      SampleEncoder encoder = text.encoder(length, recipe.raw());
      Samples samples = Samples.read(recipe.data(), recipe.columns().format(), encoder);
      long padding = text.tokenizer().paddingId();
      BucketedBatches batches = samples.shuffled(recipe.batch(), recipe.accumulation(), padding,
          recipe.seed());
      List<TokenBatch> validation = recipe.validation().isEmpty()
          ? List.of()
          : Samples.read(recipe.validation(), recipe.columns().format(), encoder).forEvaluation(padding);
      GraftAdapter adapter = adapter(text);
      TrainingOptions options = recipe.training(batches.stepsPerEpoch());
      listener.begins(adapter, options, samples);
      RecipeFile.write(folder.resolve(RecipeFile.NAME), recipe.values());
      Map<String, Object> identity = Map.of("samples", samples.encoded().size(), "samples of a step",
          batches.stepSize(), "lengths", batches.lengths().toString());
      try (TrainingRun run = new TrainingRun(adapter, options, recipe.files(), identity)) {
        if (resume && !run.resume(listener)) {
          listener.noticed("There is no checkpoint in " + folder + " yet: beginning at the first step");
        }
        TrainingRun.Outcome outcome = run.train(batches, validation, listener, stop);
        TextFile.replace(folder.resolve(CHART), LossChart.draw(
            "Loss of " + adapter.attachment().method().id() + " on " + recipe.model().getFileName(),
            RunLog.read(recipe.files().log())));
        return outcome;
      }
    }
  }

  private GraftAdapter adapter(TextModel text) {
    return recipe.adapter().map(text.model()::loadForTraining)
        .orElseGet(() -> text.model().attach(recipe.method(),
            MethodFlags.settings(plugins.method(recipe.method()), recipe.settings()), recipe.seed(),
            words -> text.tokenizer().encode(words, true)));
  }
}
