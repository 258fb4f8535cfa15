package dev.graft.cli;

import dev.graft.cli.text.Quantities;
import dev.graft.cli.text.Table;
import dev.graft.core.PluginCatalog;
import dev.graft.core.TokenBatch;
import dev.graft.core.plugin.Backends;
import dev.graft.core.weights.LoadedModel;
import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import dev.graft.formats.ModelFolderWriter;
import dev.graft.graph.DType;
import dev.graft.spi.Backend;
import dev.graft.tools.merge.Merge;
import dev.graft.tools.merge.MergeOptions;
import dev.graft.tools.merge.MergePolicy;
import dev.graft.tools.merge.MergeReport;
import jakarta.inject.Inject;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Writes a model that needs no adapter. */
@Command(name = "merge", mixinStandardHelpOptions = true, sortOptions = false, description = "Merges an adapter into its base model and writes the result as a model folder. The base and the adapter stay as they are.", footer = {
  "", "Examples:", "  graft merge --model demo/base --adapter graft-runs/demo --out merged",
  "  graft merge --model llama-nf4 --adapter my-adapter --out merged --policy requantize --probe \"Hello, how are you?\""})
final class MergeCommand implements Callable<Integer> {
  private static final int SHOWN = 5;

  private final PluginCatalog plugins;
  private final Streams streams;

  @Option(names = "--model", paramLabel = "DIR", required = true, description = "Folder of the base model.")
  Path model = Path.of("");

  @Option(names = "--adapter", paramLabel = "DIR", required = true, description = "Folder of the adapter.")
  Path adapter = Path.of("");

  @Option(names = "--out", paramLabel = "DIR", required = true, description = "Folder to be written.")
  Path out = Path.of("");

  @Option(names = "--policy", paramLabel = "POLICY", description = "What becomes of quantised weights: refuse, dequantize (exact and larger) or requantize (small, with an error that is reported) (default: ${DEFAULT-VALUE}).", defaultValue = "refuse")
  String policy = "refuse";

  @Option(names = "--probe", paramLabel = "TEXT", description = "A text on which the merged model is compared with the base and the adapter apart.")
  @Nullable
  String probe;

  @Option(names = "--untie", description = "Give a head that shares its weight with the embedding one of its own, so that a change of either leaves the other as it is.")
  boolean untie;

  @Option(names = "--unmerge", description = "Take the adapter out of --model, into which it was merged, and write the base: exact but for the rounding of the merge.")
  boolean unmerge;

  @Option(names = "--replace", description = "Replace --out if it holds a model.")
  boolean replace;

  @Option(names = "--backend", paramLabel = "ID", description = "Backend (default: the best available).")
  @Nullable
  String backend;

  @Inject
  MergeCommand(PluginCatalog plugins, Streams streams) {
    this.plugins = plugins;
    this.streams = streams;
  }

  @Override
  public Integer call() {
    if (unmerge && untie) {
      throw new GraftException(
          "--untie is about merging, and --unmerge takes a merge back: give one of them");
    }
    MergePolicy chosen = policy(policy);
    Backend compute = Backends.choose(plugins, Optional.ofNullable(backend), DType.F32);
    ModelFolderWriter writer = replace
        ? ModelFolderWriter.standard().replacing()
        : ModelFolderWriter.standard();
    try (LoadedModel loaded = LoadedModel.open(model, plugins);
        LoadedModel.LoadedAdapter stored = loaded.adapter(adapter, false)) {
      Notes.print(streams, loaded.notes());
      Notes.print(streams, stored.attachment().notes());
      MergeOptions options = MergeOptions.standard().with(chosen).with(writer);
      if (untie) {
        options = options.untied();
      }
      if (probe != null) {
        options = options.withProbe(batch(probe), DType.F32);
      }
      print(merge(loaded, stored, compute, options));
    }
    return 0;
  }

  private MergeReport merge(LoadedModel loaded, LoadedModel.LoadedAdapter stored, Backend compute,
      MergeOptions options) {
    try (ProgressLine progress = new ProgressLine(streams.drawn(), streams.interactive())) {
      return unmerge
          ? Merge.unmerge(loaded, stored, compute, options.with(progress), out)
          : Merge.run(loaded, stored, compute, options.with(progress), out);
    }
  }

  private static MergePolicy policy(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "refuse" -> MergePolicy.REFUSE;
      case "dequantize" -> MergePolicy.DEQUANTIZE;
      case "requantize" -> MergePolicy.REQUANTIZE;
      default -> throw new GraftException("--policy must be refuse, dequantize or requantize, not \"" + name
          + "\"" + Nearest.question(name, List.of("refuse", "dequantize", "requantize")));
    };
  }

  private TokenBatch batch(String text) {
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      long[] ids = tokenizer.encode(text, true);
      if (ids.length == 0) {
        throw new GraftException("--probe holds no token to compare on");
      }
      long[] ones = new long[ids.length];
      Arrays.fill(ones, 1);
      return new TokenBatch(1, ids.length, ids, ones, ids.clone());
    }
  }

  private void print(MergeReport report) {
    streams.out().println((unmerge ? "Took the adapter out of " : "Merged ") + report.layers().size()
        + " weights into " + out);
    streams.out().println("Largest relative error of a written weight: " + share(report.worstError()));
    Table table = new Table("weight", ">changed by", ">error of writing", ">error as share of the change");
    List<MergeReport.Layer> worst = report.layers().stream()
        .sorted(Comparator.comparingDouble(MergeReport.Layer::lostChange).reversed()).limit(SHOWN).toList();
    worst.forEach(layer -> table.row(layer.parameter(), share(layer.change()), share(layer.error()),
        share(layer.lostChange())));
    if (!worst.isEmpty()) {
      streams.out().println();
      table.lines().forEach(streams.out()::println);
    }
    report.probe().ifPresent(compared -> streams.out().println(String.format(Locale.ROOT,
        "On %d tokens of the probe: largest change of a logit %.3g, mean divergence %.3g nats",
        compared.positions(), compared.largestLogitChange(), compared.meanDivergence())));
    report.warnings().forEach(warning -> streams.out().println("Note: " + warning));
  }

  private static String share(double value) {
    return Quantities.percent(value);
  }
}
