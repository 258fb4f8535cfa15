package dev.graft.core.check;

import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.autodiff.Differentiated;
import dev.graft.core.autodiff.Gradients;
import dev.graft.core.files.Json;
import dev.graft.core.files.SafetensorsFile;
import dev.graft.core.generate.GenerationOptions;
import dev.graft.core.generate.Generator;
import dev.graft.core.model.AdapterFormulas;
import dev.graft.core.model.BaseModel;
import dev.graft.core.model.GraphOptions;
import dev.graft.core.model.LoadedModel;
import dev.graft.core.model.ModelGraphs;
import dev.graft.core.model.RowGroup;
import dev.graft.core.model.TokenBatch;
import dev.graft.core.pass.Passes;
import dev.graft.core.plugin.PluginCatalog;
import dev.graft.core.train.Schedule;
import dev.graft.core.train.StepReport;
import dev.graft.core.train.Trainer;
import dev.graft.core.train.TrainingOptions;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Tensor;
import dev.graft.spi.Backend;
import dev.graft.spi.Configuration;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apiguardian.api.API;

/**
 * Runs one case: a folder with {@code case.json}, a batch, and a reference's results. Kinds: forward,
 * gradients, merge, train, generate; and any kind whose load must be refused.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class CheckCase {
  private static final Tolerance LOGITS = new Tolerance(1e-4, 1e-4);
  private static final Tolerance GRADIENTS = new Tolerance(1e-5, 1e-3);
  private static final Tolerance MERGED = new Tolerance(2e-6, 1e-5);
  private static final String ADAPTER = "checked";

  private final Path folder;
  private final Configuration json;
  private final PluginCatalog plugins;
  private final DType type;
  private final Comparison comparison = new Comparison();

  private CheckCase(Path folder, PluginCatalog plugins, DType type) {
    this.folder = folder;
    this.json = new Configuration(folder.resolve("case.json").toString(),
        Json.readObject(folder.resolve("case.json")));
    this.plugins = plugins;
    this.type = type;
  }

  /** Runs the case in a folder on a backend, in a compute type. */
  public static CheckResult run(Path folder, PluginCatalog plugins, Backend backend, DType type) {
    String name = String.valueOf(folder.toAbsolutePath().normalize().getFileName());
    CheckCase check = new CheckCase(folder, plugins, type);
    if (check.json.has("expect_error_mentions")) {
      check.refusal(backend);
    } else {
      try {
        check.compare(backend);
      } catch (GraftException e) {
        check.comparison.fault(String.valueOf(e.getMessage()));
      }
    }
    return check.comparison.result(name, backend.id());
  }

  private void refusal(Backend backend) {
    String message;
    try {
      compare(backend);
      comparison.fault("was loaded, but must be refused: " + json.text("what", ""));
      return;
    } catch (GraftException e) {
      message = String.valueOf(e.getMessage());
    }
    String lower = message.toLowerCase(Locale.ROOT);
    for (Object entry : list("expect_error_mentions")) {
      Collection<?> choices = entry instanceof Collection<?> c ? c : List.of(entry);
      if (choices.stream().noneMatch(c -> lower.contains(String.valueOf(c).toLowerCase(Locale.ROOT)))) {
        comparison.fault("refused, but the message does not mention " + entry + ": " + message);
      }
    }
  }

  private Collection<?> list(String key) {
    return json.value(key).orElse(List.of()) instanceof Collection<?> c ? c : List.of();
  }

  private void compare(Backend backend) {
    String kind = json.text("kind", "");
    Path modelPath = folder.resolve(json.text("model", "model")).normalize();
    try (LoadedModel model = LoadedModel.open(modelPath, plugins);
        Session session = backend.open(SessionOptions.DEFAULT)) {
      BaseModel base = model.base();
      Map<String, Attachment> adapters = new LinkedHashMap<>();
      List<LoadedModel.LoadedAdapter> open = new ArrayList<>();
      try {
        paths().forEach((name, path) -> {
          LoadedModel.LoadedAdapter adapter = model.adapter(folder.resolve(path).normalize(),
              kind.equals("train"));
          open.add(adapter);
          adapters.put(name, adapter.attachment());
          AdapterWeights.upload(session, name, adapter.values(), type.accumulator());
        });
        base.upload(session, type);
        Optional<Attachment> only = Optional.ofNullable(adapters.get(ADAPTER));
        switch (kind) {
          case "forward" -> forward(session, base, group(only));
          case "gradients" -> {
            forward(session, base, group(only));
            gradients(session, base, only.orElseThrow(() -> new GraftException("no adapter to derive")));
          }
          case "merge" -> merge(session, base,
              only.orElseThrow(() -> new GraftException("no adapter to merge")));
          case "train" -> train(session, base,
              only.orElseThrow(() -> new GraftException("no adapter to train")));
          case "generate" -> generate(session, base, adapters);
          default -> throw new GraftException(json.source() + ": kind \"" + kind
              + "\" is not known; known are forward, gradients, merge, train, generate");
        }
      } finally {
        open.forEach(LoadedModel.LoadedAdapter::close);
      }
    }
  }

  private Map<String, String> paths() {
    Map<String, String> paths = new LinkedHashMap<>();
    json.optionalText("adapter").ifPresent(path -> paths.put(ADAPTER, path));
    json.section("adapters").ifPresent(
        section -> section.values().forEach((name, path) -> paths.put(name, String.valueOf(path))));
    return paths;
  }

  private static RowGroup group(Optional<Attachment> attachment) {
    return new RowGroup(ADAPTER, attachment, 0, 0);
  }

  private static List<RowGroup> rows(RowGroup group, long rows) {
    return List.of(new RowGroup(group.adapter(), group.attachment(), 0, rows));
  }

  private static TokenBatch batch(SafetensorsFile file, long index) {
    HostTensor ids = file.tensor("input_ids");
    int rank = ids.shape().rank();
    int rows = Math.toIntExact(ids.shape().dim(rank - 2));
    int length = Math.toIntExact(ids.shape().dim(rank - 1));
    return new TokenBatch(rows, length, part(ids, index, rows * length),
        part(file.tensor("attention_mask"), index, rows * length),
        part(file.tensor("labels"), index, rows * length));
  }

  private static long[] part(HostTensor tensor, long index, int size) {
    long[] out = new long[size];
    for (int i = 0; i < size; i++) {
      out[i] = tensor.integerAt(index * size + i);
    }
    return out;
  }

  private void forward(Session session, BaseModel base, RowGroup group) {
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("batch.safetensors"));
        SafetensorsFile expect = SafetensorsFile.open(folder.resolve("expect.safetensors"))) {
      TokenBatch batch = batch(file, 0);
      logits(session, base, rows(group, batch.rows()), batch, expect.tensor("logits"), "logits", LOGITS,
          "tolerance");
      if (expect.names().contains("loss")) {
        double loss = loss(session, base, rows(group, batch.rows()).getFirst(), batch);
        comparison.value("loss", loss, expect.tensor("loss").item(),
            Tolerance.read(json, "tolerance", LOGITS));
      }
    }
  }

  private void logits(Session session, BaseModel base, List<RowGroup> groups, TokenBatch batch,
      HostTensor expected, String what, Tolerance fallback, String toleranceKey) {
    int inputTokens = ModelGraphs.inputTokens(groups.getFirst());
    int keyTokens = groups.getFirst().virtualTokens() - inputTokens;
    Graph graph = new ModelGraphs(base, GraphOptions.evaluation(type)).logits(groups, batch.length(), true);
    try (Program program = session.compile(graph)) {
      HostTensor all = Objects.requireNonNull(
          program.run(batch.feeds(batch.positions(inputTokens, keyTokens), true)).get(ModelGraphs.LOGITS));
      HostTensor real = withoutVirtual(all, inputTokens);
      boolean attended = json.text("compare", "attended").equals("attended");
      long vocabulary = real.shape().dim(2);
      comparison.compare(what, real, expected, Tolerance.read(json, toleranceKey, fallback),
          i -> !attended || batch.mask()[Math.toIntExact(i / vocabulary)] != 0);
    }
  }

  private static HostTensor withoutVirtual(HostTensor logits, int virtual) {
    if (virtual == 0) {
      return logits;
    }
    long rows = logits.shape().dim(0);
    long length = logits.shape().dim(1) - virtual;
    long width = logits.shape().dim(2);
    HostTensor out = HostTensor.zeros(logits.dtype(), logits.shape().with(1, length));
    for (long row = 0; row < rows; row++) {
      for (long i = 0; i < length * width; i++) {
        out.set(row * length * width + i, logits.at((row * (length + virtual) + virtual) * width + i));
      }
    }
    return out;
  }

  private Map<String, HostTensor> lossFeeds(TokenBatch batch, RowGroup group, int labels) {
    int inputTokens = ModelGraphs.inputTokens(group);
    Map<String, HostTensor> feeds = batch
        .feeds(batch.positions(inputTokens, group.virtualTokens() - inputTokens), true);
    batch.addLabels(feeds, labels, inputTokens, 1.0 / labels, type.accumulator());
    return feeds;
  }

  private double loss(Session session, BaseModel base, RowGroup group, TokenBatch batch) {
    int labels = batch.labelCount(ModelGraphs.inputTokens(group));
    ModelGraphs.LossGraph built = new ModelGraphs(base, GraphOptions.evaluation(type)).loss(group,
        batch.length(), labels, true);
    Graph graph = Passes.standard()
        .apply(Graph.of("loss", Map.of(ModelGraphs.LOSS, built.loss()), List.of()));
    try (Program program = session.compile(graph)) {
      return Objects.requireNonNull(program.run(lossFeeds(batch, group, labels)).get(ModelGraphs.LOSS))
          .item();
    }
  }

  private void gradients(Session session, BaseModel base, Attachment attachment) {
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("batch.safetensors"));
        SafetensorsFile expect = SafetensorsFile.open(folder.resolve("expect.safetensors"))) {
      TokenBatch batch = batch(file, 0);
      RowGroup group = RowGroup.all(ADAPTER, attachment, batch.rows());
      int labels = batch.labelCount(ModelGraphs.inputTokens(group));
      ModelGraphs.LossGraph built = new ModelGraphs(base, GraphOptions.evaluation(type)).loss(group,
          batch.length(), labels, true);
      List<String> keys = List.copyOf(built.trainable().keySet());
      Differentiated both = Gradients.of(built.loss(), List.copyOf(built.trainable().values()));
      Map<String, Tensor> outputs = new LinkedHashMap<>();
      for (int i = 0; i < keys.size(); i++) {
        Tensor parameter = Objects.requireNonNull(built.trainable().get(keys.get(i)));
        outputs.put("grad." + keys.get(i), both.gradients().get(i)
            .orElseGet(() -> Tensor.fill(0, parameter.dtype(), parameter.shape())));
      }
      Set<String> wanted = expect.names().stream().filter(n -> n.startsWith("grad."))
          .collect(Collectors.toCollection(TreeSet::new));
      if (!wanted.equals(new TreeSet<>(outputs.keySet()))) {
        Set<String> missing = new TreeSet<>(wanted);
        missing.removeAll(outputs.keySet());
        Set<String> extra = new TreeSet<>(outputs.keySet());
        extra.removeAll(wanted);
        comparison.fault("other tensors learn: missing " + missing + ", unexpected " + extra);
        return;
      }
      Graph graph = Passes.standard().apply(Graph.of("gradients", outputs, List.of()));
      try (Program program = session.compile(graph)) {
        Tolerance tolerance = Tolerance.read(json, "tolerance_gradients", GRADIENTS);
        program.run(lossFeeds(batch, group, labels))
            .forEach((name, value) -> comparison.compare(name, value, expect.tensor(name), tolerance));
      }
    }
  }

  private void merge(Session session, BaseModel base, Attachment attachment) {
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("batch.safetensors"));
        SafetensorsFile expect = SafetensorsFile.open(folder.resolve("expect.safetensors"))) {
      Map<String, HostTensor> merged = new TreeMap<>(
          new AdapterFormulas(base, session, type, ADAPTER, attachment).merge());
      Tolerance tolerance = Tolerance.read(json, "tolerance_merged", MERGED);
      Set<String> left = new TreeSet<>(merged.keySet());
      for (String name : expect.names()) {
        if (name.startsWith("merged.")) {
          String parameter = name.substring("merged.".length());
          HostTensor actual = merged.get(parameter);
          if (actual != null) {
            comparison.compare(name, actual, expect.tensor(name), tolerance);
          } else if (base.outline().parameters().containsKey(parameter)) {
            comparison.fault(name + " is not changed by the merge");
          }
          // Anything else is a tied copy of a parameter that is compared under its own name.
          left.remove(parameter);
        }
      }
      if (!left.isEmpty()) {
        comparison.fault("the merge changes " + left + " too");
      }
      if (json.flag("compare_logits", true)) {
        merged.forEach((name, value) -> session.upload(name, value.cast(type)));
        TokenBatch batch = batch(file, 0);
        logits(session, base, List.of(RowGroup.base(batch.rows())), batch, expect.tensor("logits"), "logits",
            LOGITS, "tolerance");
      }
    }
  }

  private void train(Session session, BaseModel base, Attachment attachment) {
    Configuration training = json.section("training")
        .orElseThrow(() -> new GraftException(json.source() + ": \"training\" is missing"));
    TrainingOptions options = new TrainingOptions(training.integer("max_steps"),
        Math.toIntExact(training.integer("gradient_accumulation_steps", 1)),
        training.number("learning_rate", 0),
        Schedule.valueOf(training.text("lr_scheduler_type", "constant").toUpperCase(Locale.ROOT)),
        training.integer("warmup_steps", 0), training.number("weight_decay", 0),
        training.number("adam_beta1", 0.9), training.number("adam_beta2", 0.999),
        training.number("adam_epsilon", 1e-8), training.number("max_grad_norm", 0), type, false, 0);
    training.finish();
    try (SafetensorsFile batches = SafetensorsFile.open(folder.resolve("batches.safetensors"));
        SafetensorsFile expect = SafetensorsFile.open(folder.resolve("expect.safetensors"));
        Trainer trainer = new Trainer(session, base, attachment, ADAPTER, options)) {
      Tolerance lossTolerance = Tolerance.read(json, "tolerance", LOGITS);
      Tolerance normTolerance = Tolerance.read(json, "tolerance_grad_norm", new Tolerance(0, 1e-3));
      Tolerance rateTolerance = new Tolerance(1e-9, 1e-6);
      trainer.run(index -> batch(batches, index), report -> {
        long i = report.step() - 1;
        compareStep(report, i, expect, lossTolerance, normTolerance, rateTolerance);
      });
      Tolerance finalTolerance = Tolerance.read(json, "tolerance_final_adapter", new Tolerance(1e-3, 1e-3));
      for (AdapterTensor tensor : attachment.trainable()) {
        String name = "final." + tensor.key();
        comparison.compare(name, session.download(AdapterWeights.variable(ADAPTER, tensor.key())),
            expect.tensor(name), finalTolerance);
      }
      if (expect.names().contains("final_logits")) {
        TokenBatch batch = batch(batches, 0);
        logits(session, base, List.of(RowGroup.all(ADAPTER, attachment, batch.rows())), batch,
            expect.tensor("final_logits"), "final_logits", new Tolerance(1e-3, 1e-3),
            "tolerance_final_logits");
      }
    }
  }

  private void compareStep(StepReport report, long i, SafetensorsFile expect, Tolerance lossTolerance,
      Tolerance normTolerance, Tolerance rateTolerance) {
    comparison.value("loss of step " + report.step(), report.loss(), expect.tensor("loss").at(i),
        lossTolerance);
    comparison.value("grad_norm of step " + report.step(), report.gradientNorm(),
        expect.tensor("grad_norm").at(i), normTolerance);
    comparison.value("learning_rate of step " + report.step(), report.learningRate(),
        expect.tensor("learning_rate").at(i), rateTolerance);
  }

  private void generate(Session session, BaseModel base, Map<String, Attachment> adapters) {
    Configuration settings = json.section("generation")
        .orElseThrow(() -> new GraftException(json.source() + ": \"generation\" is missing"));
    Set<Long> stops = settings.value("eos_token_id").map(v -> switch (v) {
      case Number n -> Set.of(n.longValue());
      case Collection<?> c -> c.stream().map(x -> ((Number) x).longValue()).collect(Collectors.toSet());
      default -> throw new GraftException(json.source() + ": eos_token_id must be a number or a list");
    }).orElse(Set.of());
    GenerationOptions options = GenerationOptions.greedy(
        Math.toIntExact(settings.integer("max_new_tokens")), stops, settings.integer("pad_token_id", 0));
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("batch.safetensors"));
        SafetensorsFile expect = SafetensorsFile.open(folder.resolve("expect.safetensors"));
        Generator generator = new Generator(session, base, type)) {
      HostTensor wanted = expect.tensor("output_ids");
      int count = Math.toIntExact(wanted.shape().dim(0));
      List<RowGroup> groups = groups(adapters, count);
      boolean mixed = expect.names().contains("prompt_ids");
      if (mixed) {
        TokenBatch batch = batch(file, 0);
        logits(session, base, groups, batch, expect.tensor("logits"), "logits", LOGITS, "tolerance");
      }
      SafetensorsFile prompts = mixed ? expect : file;
      long[][] ids = matrix(prompts.tensor(mixed ? "prompt_ids" : "input_ids"));
      long[][] mask = matrix(prompts.tensor(mixed ? "prompt_mask" : "attention_mask"));
      long[][] out = generator.generate(groups, ids, mask, options, (_, _) -> {
      });
      for (int row = 0; row < count; row++) {
        for (int i = 0; i < out[row].length; i++) {
          long expected = wanted.integerAt((long) row * out[row].length + i);
          if (out[row][i] != expected) {
            comparison.fault("row " + row + " goes on with token " + out[row][i] + " at " + i + ", expected "
                + expected);
            break;
          }
        }
      }
    }
  }

  private List<RowGroup> groups(Map<String, Attachment> adapters, int count) {
    List<String> names = json.texts("row_adapters");
    if (names.isEmpty()) {
      return rows(group(Optional.ofNullable(adapters.get(ADAPTER))), count);
    }
    List<RowGroup> groups = new ArrayList<>();
    for (int row = 0; row < names.size(); row++) {
      groups.add(
          new RowGroup(names.get(row), Optional.ofNullable(adapters.get(names.get(row))), row, row + 1));
    }
    return groups;
  }

  private static long[][] matrix(HostTensor tensor) {
    int rows = Math.toIntExact(tensor.shape().dim(0));
    int length = Math.toIntExact(tensor.shape().dim(1));
    long[][] out = new long[rows][];
    for (int row = 0; row < rows; row++) {
      out[row] = part(tensor, row, length);
    }
    return out;
  }
}
