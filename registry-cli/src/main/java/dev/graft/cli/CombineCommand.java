package dev.graft.cli;

import dev.graft.cli.text.Quantities;
import dev.graft.core.PluginCatalog;
import dev.graft.core.adapters.StoredCombination;
import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.Attachment;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.AdapterFolder;
import dev.graft.spi.Configuration;
import jakarta.inject.Inject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Writes an adapter that is made of others. */
@Command(name = "combine", mixinStandardHelpOptions = true, sortOptions = false, description = {
  "Makes one LoRA adapter of several, as PEFT's add_weighted_adapter does, and writes it as an adapter folder. The adapters that it is made of stay as they are.",
  "", "Adapter i changes a weight by s_i B_i A_i, where s_i is its scaling: lora_alpha",
  "over r, or over the root of r with rslora. With weights w_i:", "",
  "  cat     The change is the sum of all w_i s_i B_i A_i, exactly: the rows",
  "          w_i s_i A_i and the columns B_i stand side by side. The rank is the",
  "          sum of the ranks.",
  "  svd     The change is the product of rank --rank that is nearest to that",
  "          sum, by its singular values. The default is the largest rank.",
  "  linear  A is the sum of all sign(w_i) sqrt(|w_i s_i|) A_i, and B the sum of",
  "          all sqrt(|w_i s_i|) B_i. The change is not that sum: it has products",
  "          B_i A_j of different adapters too. All ranks must be equal.", "",
  "An adapter that leaves a layer alone counts as no change there. The result's",
  "scaling is 1 (lora_alpha = r).", ""}, footer = {"", "Examples:",
    "  graft combine --adapter runs/poems --adapter runs/code --weight poems=0.7 \\",
    "      --weight code=0.3 --combination-type cat --out runs/both",
    "  graft combine --adapter runs/poems --adapter runs/code --combination-type svd --rank 8 \\",
    "      --out runs/both", "", "What a further training added:",
    "  graft combine --adapter runs/new --adapter runs/old --weight old=-1 \\",
    "      --combination-type cat --out runs/difference"})
final class CombineCommand implements Callable<Integer> {
  private final PluginCatalog plugins;
  private final Streams streams;

  @Option(names = "--model", paramLabel = "DIR", description = "Folder of the base model (default: the one that the first adapter names).")
  @Nullable
  Path model;

  @Option(names = "--adapter", paramLabel = "[NAME=]DIR", required = true, description = "Adapter; to be repeated.")
  List<String> adapters = new ArrayList<>();

  @Option(names = "--weight", paramLabel = "NAME=X", description = "What an adapter counts, of either sign (default: 1); may be repeated.")
  Map<String, Double> weights = new LinkedHashMap<>();

  @Option(names = "--combination-type", paramLabel = "TYPE", required = true, description = "cat, svd or linear; see above.")
  String how = "";

  @Option(names = "--rank", paramLabel = "N", description = "Rank of the result, for svd alone.")
  @Nullable
  Long rank;

  @Option(names = "--out", paramLabel = "DIR", required = true, description = "Folder to be written.")
  Path out = Path.of("");

  @Option(names = "--replace", description = "Replace --out if it holds an adapter.")
  boolean replace;

  @Inject
  CombineCommand(PluginCatalog plugins, Streams streams) {
    this.plugins = plugins;
    this.streams = streams;
  }

  @Override
  public Integer call() {
    String way = how.toLowerCase(Locale.ROOT);
    AdapterNames names = AdapterNames.of(adapters);
    names.checkWeights("combine", weights.keySet());
    if (rank != null && (!way.equals("svd") || rank < 1)) {
      throw new GraftException(
          "combine: --rank is the rank of --combination-type svd, 1 or more; not " + rank + " for "
              + how + (way.equals("cat") ? ", whose rank is the sum of the ranks" : ""));
    }
    List<StoredCombination.Source> sources = new ArrayList<>();
    names.folders().forEach((name, folder) -> sources
        .add(new StoredCombination.Source(name, folder, weights.getOrDefault(name, 1.0))));
    requireFree(sources);
    Configuration options = new Configuration("combine", rank == null ? Map.of() : Map.of("svd_rank", rank));
    try (LoadedModel base = LoadedModel.open(base(sources.getFirst()), plugins)) {
      Notes.print(streams, base.notes());
      print(StoredCombination.write(base, sources, way, options, out));
    }
    return 0;
  }

  private Path base(StoredCombination.Source first) {
    if (model != null) {
      return model;
    }
    try (AdapterFolder adapter = AdapterFolder.open(first.folder())) {
      Object named = adapter.config().get("base_model_name_or_path");
      if (named instanceof String text && !text.isBlank() && Files.isDirectory(Path.of(text))) {
        return Path.of(text);
      }
      throw new GraftException("combine: " + first.folder() + " names its base model " + (named == null
          ? "not at all"
          : "\"" + named + "\", which is no folder here") + ": give --model, the base model's folder");
    }
  }

  private void requireFree(List<StoredCombination.Source> sources) {
    Path target = out.toAbsolutePath().normalize();
    for (StoredCombination.Source source : sources) {
      if (source.folder().toAbsolutePath().normalize().equals(target)) {
        throw new GraftException("combine: " + out + " is one of the adapters; give another --out");
      }
    }
    if (!replace) {
      RunFolders.requireFree(out, "choose another --out, or give --replace");
    }
  }

  private void print(Attachment made) {
    long parameters = made.tensors().values().stream().map(AdapterTensor::shape)
        .mapToLong(shape -> shape.size()).sum();
    streams.out().println("Combined " + adapters.size() + " adapters into " + out + ": "
        + Quantities.exact(parameters) + " parameters at " + made.sites().size() + " layers");
  }
}
