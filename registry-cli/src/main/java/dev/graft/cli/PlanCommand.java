package dev.graft.cli;

import dev.graft.cli.text.Quantities;
import dev.graft.cli.text.Table;
import dev.graft.core.PluginCatalog;
import dev.graft.core.Schedule;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.Attachment;
import dev.graft.core.attach.MethodSettings;
import dev.graft.core.weights.BaseModel;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.graph.DType;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Quantizer;
import dev.graft.tools.plan.ModelShape;
import dev.graft.tools.plan.ModuleShare;
import dev.graft.tools.plan.PlannedCodes;
import dev.graft.tools.plan.SyntheticWeights;
import dev.graft.tools.plan.TrainingPlan;
import jakarta.inject.Inject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Tells what training would take. */
@Command(name = "plan", mixinStandardHelpOptions = true, sortOptions = false, description = "Tells what a method would train in a model and how much memory a step would take, without reading a weight. Where methods are compared and a quantizer is given, each is planned without it too.", footer = {
  "", "Examples:",
  "  graft plan --shape llama-7b --method lora --rank 8 --targets q_proj,v_proj",
  "  graft plan --model demo/base --compare --batch 16 --max-length 128", "",
  "LoRA, QLoRA (lora on nf4), DoRA and prefix-tuning side by side:",
  "  graft plan --shape llama-7b --method lora --method dora --method prefix-tuning \\",
  "      --quantize nf4 --dtype bf16 --gradient-checkpointing"})
final class PlanCommand implements Callable<Integer> {
  private final PluginCatalog plugins;
  private final Streams streams;

  @Option(names = "--model", paramLabel = "DIR", description = "Model folder.")
  @Nullable
  Path model;

  @Option(names = "--shape", paramLabel = "NAME|SIZES", description = "A model without files: probe, tinyllama-1.1b, llama-7b, llama-3-8b, llama-65b, or sizes.")
  @Nullable
  String shape;

  @Option(names = "--method", paramLabel = "ID", description = "Method; several are compared (default: lora).")
  List<String> methods = new ArrayList<>();

  @Option(names = "--compare", description = "Compare all methods that are installed.")
  boolean compare;

  @Mixin
  MethodFlags settings = new MethodFlags();

  @Mixin
  QuantizeFlags quantize = new QuantizeFlags();

  @Option(names = "--batch", paramLabel = "N", description = "Sequences of a batch (default: ${DEFAULT-VALUE}).", defaultValue = "8")
  int batch = 8;

  @Option(names = "--accumulation", paramLabel = "N", description = "Batches that make a step (default: ${DEFAULT-VALUE}).", defaultValue = "1")
  int accumulation = 1;

  @Option(names = "--max-length", paramLabel = "N", description = "Tokens of a sequence (default: ${DEFAULT-VALUE}).", defaultValue = "512")
  int length = 512;

  @Option(names = "--dtype", paramLabel = "TYPE", description = "Compute type: f32, bf16, f16 or f64 (default: ${DEFAULT-VALUE}).", defaultValue = "f32")
  String dtype = "f32";

  @Option(names = "--gradient-checkpointing", description = "Compute blocks again in the backward pass instead of keeping their values.")
  boolean gradientCheckpointing;

  @Option(names = "--json", description = "Print one JSON object a method.")
  boolean json;

  /**
   * A plan.
   *
   * @param method its id
   * @param code id of the quantizer of the base; empty if it is dense
   */
  private record Planned(String method, String code, Attachment attachment, TrainingPlan plan) {
    String title() {
      return code.isEmpty() ? method : method + " on " + code;
    }

    /** Says which tensors learn, and where. */
    String trained() {
      List<String> names = attachment.trainable().stream()
          .map(t -> t.spec().map(ParamSpec::name).or(t::baseParameter).orElseThrow()).distinct().toList();
      List<ModuleShare> modules = ModuleShare.of(attachment);
      int count = modules.stream().mapToInt(ModuleShare::count).sum();
      return String.join(", ", names) + " at " + (count == 1 ? "" : count + " modules: ")
          + String.join(", ", modules.stream().map(ModuleShare::name).distinct().toList());
    }
  }

  @Inject
  PlanCommand(PluginCatalog plugins, Streams streams) {
    this.plugins = plugins;
    this.streams = streams;
  }

  @Override
  public Integer call() {
    List<String> faults = new ArrayList<>();
    if ((model == null) == (shape == null)) {
      faults.add("give either --model DIR or --shape NAME");
    }
    if (batch < 1) {
      faults.add("--batch must be 1 or more, not " + batch);
    }
    if (length < 2) {
      faults.add("--max-length must be 2 or more, not " + length);
    }
    if (compare && !methods.isEmpty()) {
      faults.add("--compare takes all methods, so leave --method out");
    }
    if (!faults.isEmpty()) {
      throw new GraftException("plan: " + String.join("; ", faults));
    }
    DType type = ComputeTypes.parse(dtype);
    Optional<Quantizer> quantizer = Optional.ofNullable(quantize.quantizer).map(plugins::quantizer);
    Map<String, Object> codeOptions = quantize.options();
    if (model == null) {
      print(planAll(SyntheticWeights.dense(ModelShape.parse(Objects.requireNonNull(shape)), type, plugins),
          quantizer, codeOptions, type));
    } else {
      try (LoadedModel loaded = LoadedModel.open(model, plugins)) {
        print(planAll(loaded.base(), quantizer, codeOptions, type));
      }
    }
    return 0;
  }

  private List<Planned> planAll(BaseModel base, Optional<Quantizer> quantizer, Map<String, ?> codeOptions,
      DType type) {
    List<Planned> planned = new ArrayList<>();
    if (quantizer.isEmpty() || compare || methods.size() > 1) {
      planned.addAll(plan(base, "", type));
    }
    quantizer
        .ifPresent(code -> planned.addAll(plan(PlannedCodes.of(base, code, codeOptions), code.id(), type)));
    return planned;
  }

  private List<Planned> plan(BaseModel base, String code, DType type) {
    TrainingOptions options = TrainingOptions.of(1, 1e-4).withSchedule(Schedule.CONSTANT)
        .withGradientCheckpointing(gradientCheckpointing);
    List<String> wanted = compare
        ? List.copyOf(plugins.methods().keySet())
        : methods.isEmpty() ? List.of("lora") : methods;
    if (wanted.size() > 1) {
      refuseUnknown(wanted);
    }
    List<Planned> planned = new ArrayList<>();
    for (String id : wanted) {
      Map<String, Object> given = wanted.size() > 1
          ? fitting(plugins.method(id))
          : settings.given();
      try {
        Attachment attachment = MethodSettings.attach(plugins, id,
            MethodFlags.settings(plugins.method(id), given), base.outline());
        planned
            .add(new Planned(id, code, attachment,
                TrainingPlan.of(base, attachment, type, options, batch, length, accumulation)));
      } catch (GraftException e) {
        if (!compare) {
          throw e;
        }
        if (code.isEmpty()) {
          streams.err().println(id + " is left out: " + e.getMessage());
        }
      }
    }
    return planned;
  }

  /** Returns the given settings that a method has; what none of several methods has is a fault. */
  private Map<String, Object> fitting(PeftMethod<?> method) {
    Map<String, Object> fitting = settings.given();
    fitting.keySet().removeIf(name -> !name.equals("set") && !MethodSettings.hasShortName(method, name));
    if (fitting.remove("set") instanceof Map<?, ?> set) {
      Map<Object, Object> known = new LinkedHashMap<>(set);
      known.keySet().retainAll(MethodSettings.names(method));
      fitting.put("set", known);
    }
    return fitting;
  }

  private void refuseUnknown(List<String> wanted) {
    List<String> unknown = settings.more.keySet().stream().filter(
        key -> wanted.stream().noneMatch(id -> MethodSettings.names(plugins.method(id)).contains(key)))
        .toList();
    if (!unknown.isEmpty()) {
      throw new GraftException("None of the methods " + String.join(", ", wanted) + " has a setting "
          + String.join(" or ", unknown));
    }
  }

  private void print(List<Planned> planned) {
    if (json) {
      planned.forEach(p -> streams.out().println(Json.formatLine(fields(p))));
      return;
    }
    if (planned.size() == 1 && !compare) {
      one(planned.getFirst());
    } else {
      several(planned);
    }
  }

  private void one(Planned planned) {
    TrainingPlan plan = planned.plan;
    streams.out()
        .println("Method " + planned.title() + " trains " + Quantities.exact(plan.trainedParameters())
            + " of " + Quantities.exact(plan.baseParameters()) + " parameters: "
            + Quantities.percent(plan.trainedShare()));
    streams.out().println("What learns: " + planned.trained());
    Table modules = new Table("module", "shape", ">how many", ">trained in each", ">share of its weight");
    for (ModuleShare module : ModuleShare.of(planned.attachment)) {
      modules.row(module.name(), module.shape(), "" + module.count(),
          Quantities.exact(module.trainedParameters()),
          module.baseParameters() == 0 ? "" : Quantities.percent(module.share()));
    }
    streams.out().println();
    modules.lines().forEach(streams.out()::println);
    streams.out().println();
    Table memory = new Table(step(), ">");
    items().forEach((name, bytes) -> memory.row(name, Quantities.bytes(bytes.applyAsLong(plan))));
    memory.lines().forEach(streams.out()::println);
    streams.out()
        .println("Activations are those of the step's own graph at its peak. The adapter's gradients, "
            + Quantities.bytes(plan.gradientBytes()) + ", are among them.");
  }

  private String step() {
    return "memory of a step of " + batch + " x " + length + " tokens, " + dtype;
  }

  private void several(List<Planned> planned) {
    List<String> head = new ArrayList<>(List.of("method", ">trained", ">share of the model"));
    items().keySet().forEach(name -> head.add(">" + name));
    Table table = new Table(head.toArray(String[]::new));
    for (Planned p : planned) {
      List<String> cells = new ArrayList<>(List.of(p.title(), Quantities.count(p.plan.trainedParameters()),
          Quantities.percent(p.plan.trainedShare())));
      items().values().forEach(bytes -> cells.add(Quantities.bytes(bytes.applyAsLong(p.plan))));
      table.row(cells.toArray(String[]::new));
    }
    streams.out()
        .println(Character.toUpperCase(step().charAt(0)) + step().substring(1) + ", and what it trains");
    streams.out().println();
    table.lines().forEach(streams.out()::println);
    streams.out().println();
    Table trained = new Table("method", "what learns");
    planned.stream().filter(p -> planned.stream().noneMatch(
        other -> other != p && other.method.equals(p.method) && other.code.isEmpty()))
        .forEach(p -> trained.row(p.method, p.trained()));
    trained.lines().forEach(streams.out()::println);
  }

  private static Map<String, ToLongFunction<TrainingPlan>> items() {
    Map<String, ToLongFunction<TrainingPlan>> items = new LinkedHashMap<>();
    items.put("frozen weights", TrainingPlan::weightBytes);
    items.put("adapter", TrainingPlan::adapterBytes);
    items.put("optimiser state", TrainingPlan::optimizerBytes);
    items.put("activations and gradients", TrainingPlan::activationBytes);
    items.put("inputs", TrainingPlan::inputBytes);
    items.put("total", TrainingPlan::totalBytes);
    return items;
  }

  private static Map<String, @Nullable Object> fields(Planned planned) {
    TrainingPlan plan = planned.plan;
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("method", planned.method);
    fields.put("quantizer", planned.code.isEmpty() ? null : planned.code);
    fields.put("base_parameters", plan.baseParameters());
    fields.put("trained_parameters", plan.trainedParameters());
    fields.put("trained_percent", plan.trainedShare() * 100);
    fields.put("weight_bytes", plan.weightBytes());
    fields.put("adapter_bytes", plan.adapterBytes());
    fields.put("optimizer_bytes", plan.optimizerBytes());
    fields.put("activation_bytes", plan.activationBytes());
    fields.put("gradient_bytes", plan.gradientBytes());
    fields.put("input_bytes", plan.inputBytes());
    fields.put("total_bytes", plan.totalBytes());
    return fields;
  }
}
