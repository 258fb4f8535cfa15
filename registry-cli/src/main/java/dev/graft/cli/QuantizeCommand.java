package dev.graft.cli;

import dev.graft.cli.text.Quantities;
import dev.graft.core.PluginCatalog;
import dev.graft.core.weights.LoadedModel;
import dev.graft.formats.ModelFolderWriter;
import dev.graft.spi.Quantizer;
import dev.graft.tools.quantize.Quantization;
import dev.graft.tools.quantize.QuantizeReport;
import jakarta.inject.Inject;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes a model in few bits. */
@Command(name = "quantize", mixinStandardHelpOptions = true, description = "Writes a model folder anew with the weights of its linear layers in few bits: in 4, as bitsandbytes and"
    + " transformers store them, or as an installed quantizer does. Embeddings, norms and the head stay as they are.", footer = {
      "",
      "Examples:", "  graft quantize models/llama models/llama-nf4 --double-quant",
      "  graft --plugins my-plugins quantize models/llama models/llama-int8 --code int8 --set per_row=true"})
final class QuantizeCommand implements Callable<Integer> {
  private static final long MEGABYTE = 1_000_000;

  private final PluginCatalog plugins;
  private final Streams streams;

  @Parameters(index = "0", paramLabel = "MODEL", description = "Folder of the model.")
  Path model = Path.of("");

  @Parameters(index = "1", paramLabel = "OUT", description = "Folder to be written.")
  Path output = Path.of("");

  @Option(names = "--code", paramLabel = "ID", description = "Quantizer whose code the weights are written in: nf4 (default) suits weights that are normally distributed; fp4 holds 4-bit floats; 'graft plugins' lists all.", defaultValue = "nf4")
  String code = "nf4";

  @Mixin
  QuantizerFlags settings = new QuantizerFlags();

  @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Any setting of the quantizer, by its own name; may be repeated.")
  Map<String, String> more = new LinkedHashMap<>();

  @Option(names = "--shard-size", paramLabel = "MB", description = "Largest weight file in megabytes (default: ${DEFAULT-VALUE}).", defaultValue = "5000")
  long shardMegabytes = 5000;

  @Option(names = "--replace", description = "Replace OUT if it holds a model.")
  boolean replace;

  @Inject
  QuantizeCommand(PluginCatalog plugins, Streams streams) {
    this.plugins = plugins;
    this.streams = streams;
  }

  @Override
  public Integer call() {
    Quantizer quantizer = plugins.quantizer(code);
    Map<String, Object> options = settings.given("--set", more);
    ModelFolderWriter sharded = ModelFolderWriter.standard()
        .withShardBytes(Math.min(shardMegabytes, Long.MAX_VALUE / MEGABYTE) * MEGABYTE);
    ModelFolderWriter writer = replace ? sharded.replacing() : sharded;
    QuantizeReport report;
    try (LoadedModel loaded = LoadedModel.open(model, plugins);
        ProgressLine progress = new ProgressLine(streams.drawn(), streams.interactive())) {
      Notes.print(streams, loaded.notes());
      report = new Quantization(loaded, quantizer, options).write(output, writer, progress);
    }
    streams.out().println(String.format(Locale.ROOT, "Wrote %s: %d weights in %s, %.2f bits each, %s for %s",
        output, report.weights(), quantizer.id(), report.bitsPerElement(),
        Quantities.bytes(report.bytesAfter()), Quantities.bytes(report.bytesBefore())));
    streams.out().println("The whole model takes " + Quantities.bytes(report.modelBytes()));
    return 0;
  }
}
