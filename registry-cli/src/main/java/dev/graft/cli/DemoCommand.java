package dev.graft.cli;

import dev.graft.cli.text.LossChart;
import dev.graft.cli.text.Quantities;
import dev.graft.cli.text.Table;
import dev.graft.cli.text.Terminal;
import dev.graft.core.GraftAdapter;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.RunOptions;
import dev.graft.core.StepReport;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingListener;
import dev.graft.core.TrainingOptions;
import dev.graft.core.TrainingRun;
import dev.graft.core.batch.BucketedBatches;
import dev.graft.core.train.RunLog;
import dev.graft.data.dataset.DataFormat;
import dev.graft.data.dataset.DataSet;
import dev.graft.data.dataset.Sample;
import dev.graft.data.dataset.SampleEncoder;
import dev.graft.data.metrics.CorpusBleu;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.formats.TextFile;
import dev.graft.graph.DType;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows what fine-tuning does, on the small model that comes with the source. */
@Command(name = "demo", mixinStandardHelpOptions = true, sortOptions = false, description = "Fine-tunes a small model to describe restaurants (the E2E task) and shows its answers before and after.", footer = {
  "", "Example:", "  graft demo"})
final class DemoCommand implements Callable<Integer> {
  private static final String HOME = "graft.home";
  private static final Map<String, Object> LORA = Map.of("r", 8, "lora_alpha", 16, "lora_dropout", 0.0,
      "target_modules", "all-linear");
  private static final int BATCH = 16;
  private static final int MAX_LENGTH = 512;
  private static final int NEW_TOKENS = 64;
  private static final int TEST_ITEMS = 100;
  private static final int SHOWN = 5;

  private final PluginCatalog plugins;
  private final Terminal terminal;
  private final ProcessEnd end;

  @Option(names = "--files", paramLabel = "DIR", description = "The demo's folder (default: demo, beside the graft script).")
  @Nullable
  Path files;

  @Option(names = "--steps", paramLabel = "N", description = "Steps to train (default: ${DEFAULT-VALUE}).", defaultValue = "300")
  int steps = 300;

  @Mixin
  DeviceFlags where = new DeviceFlags();

  @Option(names = "--dtype", paramLabel = "TYPE", description = "Compute type: f32 or bf16 (default: bf16 where the processor multiplies in it, else f32).")
  @Nullable
  String dtype;

  @Option(names = "--seed", paramLabel = "N", description = "Seed of the adapter and of the samples' order (default: ${DEFAULT-VALUE}).", defaultValue = "0")
  long seed;

  @Option(names = "--backend", paramLabel = "ID", description = "Backend (default: the best available).")
  @Nullable
  String backend;

  @Option(names = "--out", paramLabel = "DIR", description = "Folder for the adapter (default: a new one in graft-runs).")
  @Nullable
  Path out;

  private record TestItem(String prompt, List<String> references) {}

  private record Quality(List<String> answers, double bleu) {}

  @Inject
  DemoCommand(PluginCatalog plugins, Terminal terminal, ProcessEnd end) {
    this.plugins = plugins;
    this.terminal = terminal;
    this.end = end;
  }

  @Override
  public Integer call() throws IOException {
    if (steps < 1) {
      throw new GraftException("demo: --steps must be 1 or more, not " + steps);
    }
    long started = terminal.clock().getAsLong();
    Path home = files == null ? Path.of(System.getProperty(HOME, ".")).resolve("demo") : files;
    Path base = home.resolve("base");
    if (!Files.isDirectory(base)) {
      throw new GraftException("The demo's files are not in " + home + ": run it by the graft script of the"
          + " source folder, or give --files DIR");
    }
    Path folder = out == null ? RunFolders.fresh("demo") : out;
    DType type = dtype == null ? ComputeTypes.ofThisMachine() : ComputeTypes.parse(dtype);
    ModelOptions options = new ModelOptions(Optional.ofNullable(backend), type, where.session(0));
    try (TextModel text = TextModel.open(base, options, plugins)) {
      train(text, home, folder, started);
    }
    return 0;
  }

  private void train(TextModel text, Path home, Path folder, long started) throws IOException {
    long positions = text.model().base().model().maxPositions();
    SampleEncoder encoder = text.encoder((int) Math.min(MAX_LENGTH, positions), false);
    long padding = text.tokenizer().paddingId();
    List<Sample> rows = new ArrayList<>(DataSet.read(home.resolve("e2e/train.jsonl.gz"), DataFormat.AUTO));
    Collections.shuffle(rows, new Random(seed));
    int wanted = Math.min(rows.size(), steps * BATCH);
    BucketedBatches batches = Samples.of(rows.subList(0, wanted), encoder, "the demo's training data")
        .shuffled(BATCH, 1, padding, seed);
    List<TokenBatch> validation = Samples
        .read(List.of(home.resolve("e2e/valid_sample.jsonl.gz")), DataFormat.AUTO, encoder)
        .forEvaluation(padding);
    List<TestItem> items = testItems(home.resolve("e2e/test.jsonl"));
    List<long[]> prompts = items.stream().map(item -> encoder.prompt(item.prompt())).toList();

    GraftAdapter adapter = text.model().attach("lora", LORA, seed);
    long all = text.model().base().outline().parameters().values().stream().mapToLong(s -> s.size()).sum();
    terminal
        .line("Model    " + home.resolve("base") + ", " + Quantities.count(all) + " parameters, on backend "
            + text.model().backend().id() + " in "
            + text.model().computeType().name().toLowerCase(Locale.ROOT));
    terminal.line("Task     write a sentence about a restaurant from its data (E2E)");
    terminal.line("Method   LoRA of rank 8 on every linear layer: trains "
        + Quantities.exact(adapter.trainedParameters()) + " parameters, "
        + Quantities.percent((double) adapter.trainedParameters() / all) + " of the model");
    terminal.line("");
    terminal.line("Answering " + items.size() + " test items without training ...");
    Quality before = quality(text, Optional.empty(), prompts, items);

    terminal.line("Training " + Quantities.of(steps, "step") + " of " + BATCH + " samples ...");
    Losses losses = new Losses(terminal);
    double trainingSeconds = run(adapter, batches, validation, folder, losses);
    terminal.line("Answering them again ...");
    Quality after = quality(text, Optional.of(adapter), prompts, items);

    for (int i = 0; i < SHOWN && i < items.size(); i++) {
      int at = i * items.size() / SHOWN;
      terminal.line("");
      terminal.line("prompt   " + items.get(at).prompt());
      terminal.line("before   " + oneLine(before.answers().get(at)));
      terminal.line("after    " + oneLine(after.answers().get(at)));
    }
    terminal.line("");
    new Table("held-out data", ">before", ">after")
        .row("validation loss", Quantities.loss(losses.first), Quantities.loss(losses.last))
        .row("BLEU of " + items.size() + " answers", bleu(before), bleu(after)).lines()
        .forEach(terminal::line);
    terminal.line("");
    Path weights = folder.resolve("adapter_model.safetensors");
    double seconds = (terminal.clock().getAsLong() - started) / 1e9;
    terminal.line("Training took " + Quantities.time(trainingSeconds) + ", the whole demo "
        + Quantities.time(seconds) + ".");
    terminal.line("adapter  " + folder + " (" + Quantities.bytes(Files.size(weights))
        + ", in the format of Hugging Face PEFT)");
    terminal.line("curve    " + folder.resolve(TrainJob.CHART));
    terminal.line("");
    terminal.line("Try it yourself:");
    terminal.line("  graft generate --model " + home.resolve("base") + " --adapter " + folder
        + " --prompt \"" + items.getLast().prompt() + "\"");
  }

  private double run(GraftAdapter adapter, BucketedBatches batches, List<TokenBatch> validation, Path folder,
      Losses losses) {
    TrainingOptions options = TrainingOptions.of(steps, 2e-3).withWarmup(Math.min(10, steps)).withSeed(seed);
    RunOptions disk = new RunOptions(folder, 0, 1, 0);
    long started = terminal.clock().getAsLong();
    try (StopSignal signal = end.stopSignal();
        TrainingRun run = new TrainingRun(adapter, options, disk, Map.of())) {
      if (run.train(batches, validation, losses, signal::requested) == TrainingRun.Outcome.STOPPED) {
        throw new GraftException("Stopped after a step; the adapter so far is in " + folder);
      }
    }
    double seconds = (terminal.clock().getAsLong() - started) / 1e9;
    TextFile.replace(folder.resolve(TrainJob.CHART),
        LossChart.draw("Loss of LoRA on E2E", RunLog.read(disk.log())));
    return seconds;
  }

  private Quality quality(TextModel text, Optional<GraftAdapter> adapter, List<long[]> prompts,
      List<TestItem> items) {
    List<String> answers = text.answer(adapter, prompts, text.greedy(NEW_TOKENS));
    return new Quality(answers, CorpusBleu.score(answers, items.stream().map(TestItem::references).toList()));
  }

  private static List<TestItem> testItems(Path file) throws IOException {
    List<TestItem> all = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      Map<String, @Nullable Object> fields = Json.object(line, file.toString());
      if (!(fields.get("prompt") instanceof String prompt)
          || !(fields.get("references") instanceof List<?> list)) {
        throw new GraftException(file + " must hold a prompt and its references on every line");
      }
      all.add(new TestItem(prompt, list.stream().map(String::valueOf).toList()));
    }
    int stride = Math.max(1, all.size() / TEST_ITEMS);
    List<TestItem> chosen = new ArrayList<>();
    for (int i = 0; i < all.size() && chosen.size() < TEST_ITEMS; i += stride) {
      chosen.add(all.get(i));
    }
    return chosen;
  }

  private static String bleu(Quality quality) {
    return String.format(Locale.ROOT, "%.1f", quality.bleu());
  }

  private static String oneLine(String text) {
    return text.replaceAll("\\s+", " ");
  }

  /** Shows progress and keeps the first and the last validation loss. */
  private static final class Losses implements TrainingListener {
    private final ProgressPrinter progress;
    private double first = Double.NaN;
    private double last = Double.NaN;

    Losses(Terminal terminal) {
      this.progress = new ProgressPrinter(terminal);
    }

    @Override
    public void stepDone(StepReport report) {
      progress.stepDone(report);
    }

    @Override
    public void evaluated(long step, double loss) {
      first = Double.isNaN(first) ? loss : first;
      last = loss;
    }
  }
}
