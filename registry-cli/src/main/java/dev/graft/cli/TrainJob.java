package dev.graft.cli;

import dev.graft.cli.text.LossChart;
import dev.graft.core.GraftAdapter;
import dev.graft.core.GraphCheck;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.TrainingListener;
import dev.graft.core.TrainingOptions;
import dev.graft.core.TrainingRun;
import dev.graft.core.attach.Attachment;
import dev.graft.core.attach.MethodSettings;
import dev.graft.core.batch.BucketedBatches;
import dev.graft.core.plugin.Backends;
import dev.graft.core.train.RunLog;
import dev.graft.core.weights.LoadedModel;
import dev.graft.data.dataset.SampleEncoder;
import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.formats.FolderLock;
import dev.graft.formats.TextFile;
import dev.graft.spi.Backend;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** Carries a recipe out. */
final class TrainJob {
  static final String CHART = "loss.svg";

  private final Recipe recipe;
  private final PluginCatalog plugins;

  /** Follows the job. */
  interface Listener extends TrainingListener {
    /** Called with what is about to be trained. */
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
    try (FolderLock _ = FolderLock.of(folder)) {
      TextFile.discardDrafts(folder);
      if (!resume) {
        RunFolders.requireFree(folder, "choose another --out, or go on with the run there by --resume");
      }
      List<Path> adapters = recipe.raw() ? List.of() : recipe.adapter().stream().toList();
      Tokenizer tokenizer = ChatTokenizer.open(recipe.model(), adapters, listener::noticed);
      try (ModelFiles files = ModelFiles.open(tokenizer, recipe.model(), plugins)) {
        return run(files, resume, listener, stop);
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

  private TrainingRun.Outcome run(ModelFiles files, boolean resume, Listener listener, BooleanSupplier stop) {
    int length = recipe.length(files.files().base().model().maxPositions());
    SampleEncoder encoder = files.encoder(length, recipe.raw());
    Samples samples = Samples.read(recipe.data(), recipe.columns().format(), encoder);
    BucketedBatches batches = samples.shuffled(recipe.batch(), recipe.accumulation(),
        files.tokenizer().paddingId(), recipe.seed());
    Optional<Samples> validation = Optional.of(recipe.validation()).filter(all -> !all.isEmpty())
        .map(all -> Samples.read(all, recipe.columns().format(), encoder));
    TrainingOptions options = recipe.training(batches.stepsPerEpoch());
    Backend backend = Backends.choose(plugins, recipe.backend(), recipe.computeType(), recipe.session());
    Backends.requireTraining(backend);
    // Before a weight is read: what does not fit is told at once.
    StepCheck
        .of(files.files().base(), planned(files.files()), recipe.computeType(), options, batches, plugins)
        .require(new GraphCheck(plugins, backend, recipe.session()));
    try (TextModel text = files
        .model(new ModelOptions(recipe.backend(), recipe.computeType(), recipe.session()))) {
      return run(text, samples, validation, batches, options, resume, listener, stop);
    }
  }

  private TrainingRun.Outcome run(TextModel text, Samples samples, Optional<Samples> validation,
      BucketedBatches batches, TrainingOptions options, boolean resume, Listener listener,
      BooleanSupplier stop) {
    Path folder = recipe.files().folder();
    GraftAdapter adapter = adapter(text);
    listener.begins(adapter, options, samples);
    samples.notes().forEach(note -> listener.noticed("note: " + note));
    validation.ifPresent(all -> all.notes().forEach(note -> listener.noticed("note: " + note)));
    try (TrainingRun run = TrainingRun.inLockedFolder(adapter, options, recipe.files(),
        identity(samples, validation))) {
      if (resume && !run.resume(listener)) {
        listener.noticed("There is no checkpoint in " + folder + " yet: beginning at the first step");
      }
      // Once it is certain that the run goes on by these settings.
      RecipeFile.write(folder.resolve(RecipeFile.NAME), recipe.values());
      TrainingRun.Outcome outcome = run.train(batches,
          validation.map(all -> all.forEvaluation(text.tokenizer().paddingId())).orElse(List.of()), listener,
          stop);
      TextFile.replace(folder.resolve(CHART), LossChart.draw(
          "Loss of " + adapter.attachment().method().id() + " on " + recipe.model().getFileName(),
          RunLog.read(recipe.files().log())));
      return outcome;
    }
  }

  /** Returns what decides the run's numbers besides the adapter, its base and the options of training. */
  private Map<String, Object> identity(Samples samples, Optional<Samples> validation) {
    Map<String, Object> identity = new LinkedHashMap<>();
    identity.put(TrainingRun.CONTENT + "the training data, as the model's tokens", samples.fingerprint());
    identity.put(TrainingRun.CONTENT + "the validation data, as the model's tokens",
        validation.map(Samples::fingerprint).orElse(""));
    identity.put("batch", recipe.batch());
    identity.put("accumulation", recipe.accumulation());
    identity.put("raw", recipe.raw());
    identity.put("threads", recipe.session().resolvedThreads());
    recipe.session().device().ifPresent(device -> identity.put("device", device));
    return identity;
  }

  private GraftAdapter adapter(TextModel text) {
    return recipe.adapter().map(text.model()::loadForTraining)
        .orElseGet(() -> text.model().attach(recipe.method(),
            MethodFlags.settings(plugins.method(recipe.method()), recipe.settings()), recipe.seed(),
            words -> text.tokenizer().encode(words, true)));
  }
}
