package dev.graft.tools.plan;

import dev.graft.core.PluginCatalog;
import dev.graft.core.weights.BaseModel;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.apiguardian.api.API;

/**
 * Makes models of a shape without files: to plan with, when no value is ever asked for, or to measure with.
 * Matrices are random, near normal with deviation 0.02; norms' weights are 1.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class SyntheticWeights {
  private static final double DEVIATION = 0.02;
  private static final int TABLE = 1 << 16;
  private static final long CHUNK = 1 << 20;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);

  private final ModelOutline outline;
  private final DType type;
  private final float[] normal = new float[TABLE];

  private SyntheticWeights(ModelOutline outline, DType type) {
    this.outline = outline;
    this.type = type;
    // Equally likely values: quantiles of a sum of 12 uniform numbers are close enough to a normal's.
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < TABLE; i++) {
      double sum = -6;
      for (int j = 0; j < 12; j++) {
        sum += random.nextDouble();
      }
      normal[i] = (float) (sum * DEVIATION);
    }
  }

  /**
   * Returns a model of random dense weights.
   *
   * @param type in which the weights are made
   */
  public static BaseModel dense(ModelShape shape, DType type, PluginCatalog plugins) {
    CausalModel model = model(shape, plugins);
    SyntheticWeights weights = new SyntheticWeights(outline(model), type);
    return new BaseModel(model, weights.source(), plugins.quantizers());
  }

  /**
   * Returns a model whose linear layers but the head are encoded by a quantizer. Layers of the same shape have
   * the same values, each in memory of its own.
   *
   * @param options settings of the quantizer, such as {@code block_size}
   * @throws dev.graft.error.GraftException if a setting is faulty
   */
  public static BaseModel quantized(ModelShape shape, DType type, Quantizer quantizer,
      Map<String, ?> options, PluginCatalog plugins) {
    CausalModel model = model(shape, plugins);
    ModelOutline outline = outline(model);
    SyntheticWeights weights = new SyntheticWeights(outline, type);
    return new BaseModel(model, weights.source(), List.of(new Encoded(quantizer, options, outline)));
  }

  private static CausalModel model(ModelShape shape, PluginCatalog plugins) {
    Configuration config = new Configuration("the shape", shape.config());
    CausalModel model = plugins.family(config.text("model_type", "")).read(config);
    config.finish();
    return model;
  }

  private static ModelOutline outline(CausalModel model) {
    return BaseModel.outline(model);
  }

  private TensorSource source() {
    Map<String, Signature> signatures = new LinkedHashMap<>();
    outline.parameters().forEach((name, shape) -> signatures.put(name, new Signature(type, shape)));
    return TensorSource.of(signatures,
        name -> values(name, Objects.requireNonNull(outline.parameters().get(name))));
  }

  private HostTensor values(String name, Shape shape) {
    HostTensor tensor = HostTensor.zeros(type, shape);
    if (shape.rank() < 2) {
      for (long i = 0; i < shape.size(); i++) {
        tensor.set(i, 1.0);
      }
      return tensor;
    }
    long size = shape.size();
    LongStream.range(0, (size + CHUNK - 1) / CHUNK).parallel()
        .forEach(chunk -> fill(tensor, name.hashCode() + chunk * 31, chunk * CHUNK,
            Math.min(size, (chunk + 1) * CHUNK)));
    return tensor;
  }

  private void fill(HostTensor tensor, long seed, long from, long to) {
    SplittableRandom random = new SplittableRandom(seed);
    MemorySegment segment = tensor.segment();
    long bits = 0;
    for (long i = from; i < to; i++) {
      bits = (i - from) % 4 == 0 ? random.nextLong() : bits >>> 16;
      float value = normal[(int) (bits & TABLE - 1)];
      switch (type) {
        case F32 -> segment.setAtIndex(FLOAT, i, value);
        case BF16 -> segment.setAtIndex(SHORT, i, HostTensor.bfloat16(value));
        case F64, F16, I64, I32, I8, U8, BOOL -> tensor.set(i, (double) value);
      }
    }
  }

  /** Encodes the first layer of each shape; the others get copies. */
  private static final class Encoded extends CodePerShape {
    Encoded(Quantizer quantizer, Map<String, ?> options, ModelOutline outline) {
      super(quantizer, options, outline);
    }

    @Override
    public QuantizedTensor read(String weight, Function<String, HostTensor> tensors) {
      return known(shape(weight)).<QuantizedTensor>map(Copy::new)
          .orElseGet(() -> encodeFirst(weight, tensors.apply(weight)));
    }
  }

  /** The same code in other memory. */
  private static final class Copy implements QuantizedTensor {
    private final QuantizedTensor original;
    private final Map<String, HostTensor> resident = new LinkedHashMap<>();

    Copy(QuantizedTensor original) {
      this.original = original;
      original.resident().forEach((name, value) -> {
        HostTensor copy = HostTensor.zeros(value.dtype(), value.shape());
        copy.segment().copyFrom(value.segment());
        resident.put(name, copy);
      });
    }

    @Override
    public Shape shape() {
      return original.shape();
    }

    @Override
    public DType dtype() {
      return original.dtype();
    }

    @Override
    public QuantizedTensor requantize(HostTensor value, SegmentAllocator memory) {
      return original.requantize(value, memory);
    }

    @Override
    public Map<String, HostTensor> stored() {
      return original.stored();
    }

    @Override
    public Map<String, HostTensor> resident() {
      return resident;
    }

    @Override
    public Tensor decode(Map<String, Tensor> parts, DType to) {
      return original.decode(parts, to);
    }

    @Override
    public HostTensor decode(DType to) {
      return original.decode(to);
    }
  }
}
