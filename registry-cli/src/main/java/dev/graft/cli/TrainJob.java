package dev.graft.cli;

import dev.graft.cli.text.LossChart;
import dev.graft.core.GraftAdapter;
import dev.graft.core.GraphCheck;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingListener;
import dev.graft.core.TrainingOptions;
import dev.graft.core.TrainingRun;
import dev.graft.core.attach.Attachment;
import dev.graft.core.attach.MethodSettings;
import dev.graft.core.plugin.Backends;
import dev.graft.core.train.RunLog;
import dev.graft.core.weights.LoadedModel;
import dev.graft.data.batch.BucketedBatches;
import dev.graft.data.dataset.SampleEncoder;
import dev.graft.formats.TextFile;
import dev.graft.spi.Backend;
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
    ModelOptions modelOptions = new ModelOptions(recipe.backend(), recipe.computeType(), recipe.session());
    try (ModelFiles files = ModelFiles.open(recipe.model(), plugins)) {
      int length = recipe.length(files.files().base().model().maxPositions());
      SampleEncoder encoder = files.encoder(length, recipe.raw());
      Samples samples = Samples.read(recipe.data(), recipe.columns().format(), encoder);
      long padding = files.tokenizer().paddingId();
      BucketedBatches batches = samples.shuffled(recipe.batch(), recipe.accumulation(), padding,
          recipe.seed());
      List<TokenBatch> validation = recipe.validation().isEmpty()
          ? List.of()
          : Samples.read(recipe.validation(), recipe.columns().format(), encoder).forEvaluation(padding);
      TrainingOptions options = recipe.training(batches.stepsPerEpoch());
      Backend backend = Backends.choose(plugins, recipe.backend(), recipe.computeType(), recipe.session());
      Attachment planned = planned(files.files());
      StepCheck.of(files.files().base(), planned, options, batches, plugins)
          .require(new GraphCheck(plugins, backend, recipe.session()));
      Map<String, Object> identity = Map.of("samples", samples.encoded().size(), "samples of a step",
          batches.stepSize(), "lengths", batches.lengths().toString());
      try (TextModel text = files.model(modelOptions)) {
      GraftAdapter adapter = adapter(text);
      listener.begins(adapter, options, samples);
      RecipeFile.write(folder.resolve(RecipeFile.NAME), recipe.values());
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
  }

  /** Returns what will be trained, to plan it; no tensor is uploaded. */
  private Attachment planned(LoadedModel files) {
    if (recipe.adapter().isEmpty()) {
      return MethodSettings.attach(plugins, recipe.method(),
          MethodFlags.settings(plugins.method(recipe.method()), recipe.settings()), files.base().outline());
    }
    try (LoadedModel.LoadedAdapter adapter = files.adapter(recipe.adapter().get(), true)) {
      return adapter.attachment();
    }
  }

  private GraftAdapter adapter(TextModel text) {
    return recipe.adapter().map(text.model()::loadForTraining)
        .orElseGet(() -> text.model().attach(recipe.method(),
            MethodFlags.settings(plugins.method(recipe.method()), recipe.settings()), recipe.seed(),
            words -> text.tokenizer().encode(words, true)));
  }
}
