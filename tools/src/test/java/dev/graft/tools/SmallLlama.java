package dev.graft.tools;

import dev.graft.core.PluginCatalog;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.attach.MethodSettings;
import dev.graft.core.weights.BaseModel;
import dev.graft.core.weights.LoadedModel;
import dev.graft.formats.ModelFolderWriter;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Backend;
import dev.graft.spi.Configuration;
import dev.graft.tools.plan.ModelShape;
import dev.graft.tools.plan.TrainingPlan;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Writes a Llama of two small layers, and adapters of it; what plans and trains is called here alone. */
public final class SmallLlama {
  public static final long LAYERS = 2;
  public static final long HIDDEN = 8;
  public static final long FFN = 12;
  public static final long KV = 4;
  public static final long VOCABULARY = 24;
  public static final ModelShape SHAPE = new ModelShape(LAYERS, HIDDEN, FFN, 2, 1, VOCABULARY, 32);
  public static final PluginCatalog PLUGINS = PluginCatalog.discover(SmallLlama.class.getClassLoader());

  private SmallLlama() {
  }

  public static Backend backend() {
    return PLUGINS.backend("reference");
  }

  /** Writes random weights of a type. */
  public static Path write(Path folder, DType type) {
    SplittableRandom random = new SplittableRandom(5);
    Map<String, HostTensor> weights = new LinkedHashMap<>();
    BaseModel.outline(PLUGINS.family("llama").read(new Configuration("config", SHAPE.config()))).parameters()
        .forEach((name, shape) -> {
          HostTensor weight = random(random, shape, 0.5);
          if (name.contains("norm")) {
            for (long i = 0; i < shape.size(); i++) {
              weight.set(i, 1 + 0.2 * weight.at(i));
            }
          }
          weights.put(name, weight.cast(type));
        });
    ModelFolderWriter.standard().write(folder, SHAPE.config(), TensorSource.of(weights), List.of());
    return folder;
  }

  /** Writes an adapter of random values, none of them zero. */
  public static Path writeAdapter(Path model, Path folder, String method, Map<String, ?> settings,
      double size) {
    SplittableRandom random = new SplittableRandom(6);
    try (LoadedModel loaded = open(model)) {
      Attachment attachment = attach(loaded.base(), method, settings);
      Map<String, HostTensor> values = new LinkedHashMap<>();
      attachment.tensors().forEach((key, tensor) -> values.put(key, random(random, tensor.shape(), size)));
      AdapterWeights.save(folder, attachment, values, name -> loaded.base().value(name, DType.F32),
          model.toString());
    }
    return folder;
  }

  private static HostTensor random(SplittableRandom random, Shape shape, double size) {
    HostTensor tensor = HostTensor.zeros(DType.F32, shape);
    for (long i = 0; i < shape.size(); i++) {
      tensor.set(i, size * random.nextGaussian());
    }
    return tensor;
  }

  public static LoadedModel open(Path folder) {
    return LoadedModel.open(folder, PLUGINS);
  }

  public static Attachment attach(BaseModel base, String method, Map<String, ?> settings) {
    return MethodSettings.attach(PLUGINS, method, settings, base.outline());
  }

  /** Plans steps of batches of 3 rows of 5 tokens. */
  public static TrainingPlan plan(BaseModel base, Attachment attachment, DType type, int batches) {
    return TrainingPlan.of(base, attachment, type, options(), 3, 5, batches);
  }

  public static TrainingOptions options() {
    return TrainingOptions.of(4, 0.01);
  }
}
