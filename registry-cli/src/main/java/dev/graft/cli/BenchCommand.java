package dev.graft.cli;

import dev.graft.cli.text.Quantities;
import dev.graft.cli.text.Table;
import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import dev.graft.core.GraphCheck;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.Schedule;
import dev.graft.core.TrainingCheck;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.MethodSettings;
import dev.graft.core.plugin.Backends;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.graph.DType;
import dev.graft.spi.Backend;
import dev.graft.spi.SessionOptions;
import dev.graft.tools.plan.ModelShape;
import dev.graft.tools.plan.StepBenchmark;
import dev.graft.tools.plan.SyntheticWeights;
import dev.graft.tools.plan.TrainingPlan;
import jakarta.inject.Inject;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures training steps. */
@Command(name = "bench", mixinStandardHelpOptions = true, sortOptions = false, description = "Runs real training steps of a model with random weights and tells how fast they are. The loss counts every token.", footer = {
  "", "Shapes: probe, tinyllama-1.1b, llama-7b, llama-3-8b, llama-65b.", "", "Examples:",
  "  graft bench --shape probe --method lora --rank 8",
  "  graft bench --shape layers=2,hidden=256,ffn=688,heads=4,vocab=1000 --batch 2 --seq 64 --json"})
final class BenchCommand implements Callable<Integer> {
  /** Widths so small that a model's own memory does not count beside the process'. */
  private static final int MINIATURE = 64;
  private static final int MINIATURE_LENGTH = 16;
  private static final int MINIATURE_STEPS = 8;

  private final PluginCatalog plugins;
  private final Streams streams;

  @Option(names = "--shape", paramLabel = "NAME|SIZES", description = "Sizes of the model (default: ${DEFAULT-VALUE}).", defaultValue = "probe")
  String shape = "probe";

  @Option(names = "--method", paramLabel = "ID", description = "Method (default: ${DEFAULT-VALUE}).", defaultValue = "lora")
  String method = "lora";

  @Mixin
  MethodFlags settings = new MethodFlags();

  @Option(names = "--backend", paramLabel = "ID", description = "Backend (default: the best available).")
  @Nullable
  String backend;

  @Option(names = "--dtype", paramLabel = "TYPE", description = "Compute type: f32, bf16, f16 or f64 (default: ${DEFAULT-VALUE}).", defaultValue = "f32")
  String dtype = "f32";

  @Option(names = "--batch", paramLabel = "N", description = "Sequences of a batch (default: ${DEFAULT-VALUE}).", defaultValue = "4")
  int batch = 4;

  @Option(names = "--seq", paramLabel = "N", description = "Tokens of a sequence (default: ${DEFAULT-VALUE}).", defaultValue = "256")
  int length = 256;

  @Option(names = "--steps", paramLabel = "N", description = "Steps to measure (default: ${DEFAULT-VALUE}).", defaultValue = "20")
  int steps = 20;

  @Option(names = "--warmup", paramLabel = "N", description = "Steps before those (default: ${DEFAULT-VALUE}).", defaultValue = "3")
  int warmup = 3;

  @Option(names = "--threads", paramLabel = "N", description = "Threads for one operation (default: all processors).", defaultValue = "0")
  int threads;

  @Mixin
  DeviceFlags where = new DeviceFlags();

  @Option(names = "--gradient-checkpointing", description = "Compute blocks again in the backward pass instead of keeping their values.")
  boolean gradientCheckpointing;

  @Mixin
  QuantizeFlags quantize = new QuantizeFlags();

  @Option(names = "--json", description = "Print one JSON object.")
  boolean json;

  @Inject
  BenchCommand(PluginCatalog plugins, Streams streams) {
    this.plugins = plugins;
    this.streams = streams;
  }

  @Override
  public Integer call() {
    if (batch < 1 || length < 2 || steps < 1 || warmup < 0) {
      throw new GraftException("bench needs --batch and --steps of 1 or more, --seq of 2 or more and --warmup"
          + " of 0 or more; not " + batch + ", " + steps + ", " + length + " and " + warmup);
    }
    Threads.check("--threads", threads);
    DType type = ComputeTypes.parse(dtype);
    ModelShape sizes = ModelShape.parse(shape);
    SessionOptions session = where.session(threads);
    Backend chosen = Backends.choose(plugins, Optional.ofNullable(backend), type, session);
    BaseModel base = base(sizes, type);
    TrainingOptions options = TrainingOptions.of(Math.max(steps + warmup, 4), 1e-4)
        .withSchedule(Schedule.CONSTANT).withGradientCheckpointing(gradientCheckpointing);
    new TrainingCheck(base, MethodSettings.attach(plugins, method,
        MethodFlags.settings(plugins.method(method), settings.given()), base.outline()), type, options, batch,
        length)
        .require(new GraphCheck(plugins, chosen, session));
    long process = processBytes(chosen, sizes, type);
    try (GraftModel model = GraftModel.of(base, new ModelOptions(Optional.of(chosen.id()), type, session),
        plugins)) {
      GraftAdapter adapter = attach(model);
      StepBenchmark.Result result = StepBenchmark.run(adapter, options, batch, length, warmup, steps);
      TrainingPlan plan = TrainingPlan.of(base, adapter.attachment(), type, options, batch, length, 1);
      long planned = process + plan.totalBytes() - plan.activationBytes() + result.stepBytes();
      print(chosen, plan, process, planned, result);
    }
    return 0;
  }

  private BaseModel base(ModelShape sizes, DType type) {
    Map<String, Object> options = quantize.options();
    return quantize.quantizer == null
        ? SyntheticWeights.dense(sizes, type, plugins)
        : SyntheticWeights.quantized(sizes, type, plugins.quantizer(quantize.quantizer), options, plugins);
  }

  private GraftAdapter attach(GraftModel model) {
    return model.attach(method, MethodFlags.settings(plugins.method(method), settings.given()));
  }

  /**
   * Measures what the virtual machine and the backend's library take by themselves, which no plan can know: by
   * steps of a model of as many layers in miniature. Returns 0 where the system does not tell.
   */
  private long processBytes(Backend chosen, ModelShape sizes, DType type) {
    ModelShape miniature = new ModelShape(sizes.layers(), MINIATURE, MINIATURE, 2, 2, MINIATURE, MINIATURE);
    ModelOptions options = new ModelOptions(Optional.of(chosen.id()), type, threads);
    try (GraftModel model = GraftModel.of(base(miniature, type), options, plugins)) {
      StepBenchmark.run(attach(model), TrainingOptions.of(MINIATURE_STEPS, 1e-4), 1,
          MINIATURE_LENGTH,
          0, MINIATURE_STEPS);
    }
    return StepBenchmark.peakBytes().orElse(0);
  }

  private void print(Backend chosen, TrainingPlan plan, long process, long planned,
      StepBenchmark.Result result) {
    if (json) {
      Map<String, @Nullable Object> fields = new LinkedHashMap<>();
      fields.put("backend", chosen.id());
      fields.put("shape", shape);
      fields.put("method", method);
      fields.put("dtype", dtype.toLowerCase(Locale.ROOT));
      fields.put("quantizer", quantize.quantizer);
      fields.put("batch", batch);
      fields.put("seq", length);
      fields.put("gradient_checkpointing", gradientCheckpointing);
      fields.put("trained_parameters", plan.trainedParameters());
      fields.put("base_parameters", plan.baseParameters());
      fields.put("tokens_per_second", result.tokensPerSecond());
      fields.put("step_ms", Map.of("min", result.minimumMillis(), "median", result.medianMillis(), "max",
          result.maximumMillis()));
      fields.put("peak_memory_bytes",
          result.peakBytes().isPresent() ? result.peakBytes().getAsLong() : null);
      fields.put("planned_memory_bytes", planned);
      fields.put("process_memory_bytes", process);
      fields.put("loss_first", result.firstLoss());
      fields.put("loss_last", result.lastLoss());
      streams.out().println(Json.formatLine(fields));
      return;
    }
    Table table = new Table("what", "value")
        .row("backend", chosen.id() + ", " + dtype)
        .row("model", shape + ", " + Quantities.count(plan.baseParameters()) + " parameters")
        .row("method", method + ", " + Quantities.count(plan.trainedParameters()) + " trained, "
            + Quantities.percent(plan.trainedShare()))
        .row("tokens a second", Quantities.count(Math.round(result.tokensPerSecond())))
        .row("a step", millis(result.medianMillis()) + " (" + millis(result.minimumMillis()) + " to "
            + millis(result.maximumMillis()) + ")")
        .row("memory planned", Quantities.bytes(planned) + ", of which the process by itself takes "
            + Quantities.bytes(process))
        .row("memory of the process at its peak",
            result.peakBytes().isPresent() ? Quantities.bytes(result.peakBytes().getAsLong()) : "unknown")
        .row("loss, first and last step",
            Quantities.loss(result.firstLoss()) + " " + Quantities.loss(result.lastLoss()));
    table.lines().stream().skip(1).forEach(streams.out()::println);
  }

  private static String millis(double value) {
    return String.format(Locale.ROOT, "%.1f ms", value);
  }
}
