package dev.graft.cli;

import dev.graft.core.files.ModelFolderWriter;
import dev.graft.core.model.LoadedModel;
import dev.graft.core.plugin.PluginCatalog;
import dev.graft.core.quantize.Quantization;
import dev.graft.core.quantize.QuantizeReport;
import dev.graft.spi.Quantizer;
import jakarta.inject.Inject;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a model in few bits. */
@Command(name = "quantize", mixinStandardHelpOptions = true, description = "Writes a model folder anew with the weights of its linear layers in 4 bits, as bitsandbytes"
    + " and transformers store them. Embeddings, norms and the head stay as they are.", footer = {"",
      "Example:", "  graft quantize models/llama models/llama-nf4 --double-quant"})
final class QuantizeCommand implements Callable<Integer> {
  private static final double MEGABYTE = 1e6;

  private final PluginCatalog plugins;

  @Spec
  @Nullable
  CommandSpec spec;

  @Parameters(index = "0", paramLabel = "MODEL", description = "Folder of the model.")
  Path model = Path.of("");

  @Parameters(index = "1", paramLabel = "OUT", description = "Folder to be written.")
  Path output = Path.of("");

  @Option(names = "--code", paramLabel = "ID", description = "Code of the weights: nf4 (default) suits weights that are normally distributed; fp4 holds 4-bit floats.", defaultValue = "nf4")
  String code = "nf4";

  @Option(names = "--block-size", paramLabel = "N", description = "Numbers that share a scale, a power of two from 32 to 4096 (default: ${DEFAULT-VALUE}). Smaller is more exact and larger in bytes.", defaultValue = "64")
  long blockSize = 64;

  @Option(names = "--double-quant", description = "Hold the scales in 8 bits: at block size 64, 4.13 bits a weight instead of 4.5.")
  boolean doubleQuant;

  @Option(names = "--shard-size", paramLabel = "MB", description = "Largest weight file in megabytes (default: ${DEFAULT-VALUE}).", defaultValue = "5000")
  long shardMegabytes = 5000;

  @Option(names = "--replace", description = "Replace OUT if it holds a model.")
  boolean replace;

  @Inject
  QuantizeCommand(PluginCatalog plugins) {
    this.plugins = plugins;
  }

  @Override
  public Integer call() {
    PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
    Quantizer quantizer = plugins.quantizer(code);
    Map<String, Object> options = Map.of("block_size", blockSize, "double_quant", doubleQuant);
    ModelFolderWriter sharded = ModelFolderWriter.standard()
        .withShardBytes(Math.multiplyExact(shardMegabytes, (long) MEGABYTE));
    ModelFolderWriter writer = replace ? sharded.replacing() : sharded;
    try (LoadedModel loaded = LoadedModel.open(model, plugins);
        ProgressLine progress = ProgressLine.onTerminal(out)) {
      QuantizeReport report = new Quantization(loaded, quantizer, options).write(output, writer, progress);
      progress.close();
      out.printf(Locale.ROOT, "%s: %d weights in %s, %.2f bits each: %.1f MB instead of %.1f MB%n", output,
          report.weights(), quantizer.id(), report.bitsPerElement(), report.bytesAfter() / MEGABYTE,
          report.bytesBefore() / MEGABYTE);
      out.printf(Locale.ROOT, "The whole model takes %.1f MB.%n", report.modelBytes() / MEGABYTE);
    }
    out.flush();
    return 0;
  }
}
