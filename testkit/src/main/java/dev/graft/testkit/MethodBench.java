package dev.graft.testkit;

import dev.graft.core.Schedule;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.AdapterFormulas;
import dev.graft.core.graphs.RowGroup;
import dev.graft.formats.AdapterFolder;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Configuration;
import dev.graft.spi.PeftMethod;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/** Attaches a method to the tiny model and holds the adapter's tensors. */
final class MethodBench implements AutoCloseable {
  static final String BASE_PATH = "some/model";

  private final PeftMethod<?> method;
  private final Bench bench;
  private final Random random;
  private final Attachment attachment;

  MethodBench(PeftMethod<?> method, MethodSample sample, TinyModel model, DType type, String test) {
    this.method = method;
    this.random = Seed.stream(test);
    // The weights are the same in all tests, so that those of one can be loaded by another.
    this.bench = new Bench(Bench.randomWeights(model, Seed.stream("tiny model")), type);
    this.attachment = new Attachment(method, configuration(method, sample), bench.base().outline(), true);
    formulas().initialise(5);
  }

  /** Completes a sample's fields by those that tell the method from others. */
  static Configuration configuration(PeftMethod<?> method, MethodSample sample) {
    return new Configuration("the sample", fields(method, sample));
  }

  static Map<String, Object> fields(PeftMethod<?> method, MethodSample sample) {
    Map<String, Object> fields = new LinkedHashMap<>(method.discriminators());
    fields.putAll(sample.configuration());
    fields.put("peft_type", method.peftType());
    return fields;
  }

  Bench bench() {
    return bench;
  }

  Random random() {
    return random;
  }

  Attachment attachment() {
    return attachment;
  }

  AdapterFormulas formulas() {
    return new AdapterFormulas(bench.base(), bench.session(), bench.type(), Bench.ADAPTER, attachment);
  }

  RowGroup rows(long rows) {
    return bench.group(attachment, rows);
  }

  MethodBench disturbed() {
    bench.disturb(attachment, random);
    return this;
  }

  TokenBatch batch() {
    return bench.batch(2, 7, random);
  }

  TrainingOptions training(int steps) {
    return new TrainingOptions(steps, 0.02, Schedule.CONSTANT, 0, 0, 0.9, 0.999, 1e-8, 0,
        false, 3);
  }

  Map<String, HostTensor> values() {
    Map<String, HostTensor> values = new LinkedHashMap<>();
    attachment.tensors().keySet().forEach(
        key -> values.put(key, Values.copy(bench.session().download(variable(key)))));
    return values;
  }

  static String variable(String key) {
    return AdapterWeights.variable(Bench.ADAPTER, key);
  }

  /** Saves the adapter as it is stored for others. */
  void save(Path folder) {
    AdapterWeights.save(folder, attachment, formulas().stored(),
        name -> bench.base().value(name, DType.F32), BASE_PATH);
  }

  /** Holds an adapter that was read from a folder. */
  record Loaded(Attachment attachment, Map<String, HostTensor> values) {}

  /** Reads a folder as a product does for inference. */
  Loaded load(Path folder) {
    try (AdapterFolder files = AdapterFolder.open(folder)) {
      AdapterWeights.Stored stored = AdapterWeights.read(
          new Attachment(method, Configuration.stored(folder.toString(), files.config()),
              bench.base().outline(), false),
          files, folder.toString(), name -> bench.base().value(name, DType.F32));
      Map<String, HostTensor> values = new LinkedHashMap<>();
      stored.values().forEach((key, value) -> values.put(key, Values.copy(value)));
      return new Loaded(stored.attachment(), values);
    }
  }

  @Override
  public void close() {
    bench.close();
  }
}
