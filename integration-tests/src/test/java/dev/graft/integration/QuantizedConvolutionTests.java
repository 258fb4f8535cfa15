package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.PluginCatalog;
import dev.graft.core.TokenBatch;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.formats.Matrices;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.Layers;
import dev.graft.spi.Program;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A Conv1D's weight is [in, out] in a dense checkpoint and [out, in] once bitsandbytes has quantised it. */
class QuantizedConvolutionTests {
  private static final int IN = 64;

  private final PluginCatalog plugins = PluginCatalog
      .discover(QuantizedConvolutionTests.class.getClassLoader());

  /**
   * Looks tokens up, convolves them, and makes logits.
   *
   * @param width length of a hidden state
   */
  private record Convolver(long width) implements CausalModel {
    @Override
    public long vocabulary() {
      return 16;
    }

    @Override
    public long maxPositions() {
      return 8;
    }

    @Override
    public Tensor hidden(Layers layers, Tensor ids, Tensor positions) {
      return layers.transposedLinear("conv", layers.embedding("table", ids, vocabulary(), IN), width);
    }

    @Override
    public Tensor logits(Layers layers, Tensor rows) {
      return layers.head("head", rows, vocabulary(), "");
    }
  }

  private static HostTensor random(long seed, long... dims) {
    Random random = new Random(seed);
    HostTensor tensor = HostTensor.zeros(DType.F32, Shape.of(dims));
    for (long i = 0; i < tensor.shape().size(); i++) {
      tensor.set(i, random.nextGaussian());
    }
    return tensor;
  }

  private HostTensor logits(BaseModel base) {
    TokenBatch batch = new TokenBatch(1, 3, new long[]{1, 5, 9}, new long[]{1, 1, 1}, new long[]{-100, 5, 9});
    try (Session session = plugins.backend("reference").open(SessionOptions.DEFAULT)) {
      base.upload(session, DType.F32);
      try (Program program = session.compile(new ModelGraphs(base, GraphOptions.evaluation(DType.F32))
          .logits(List.of(RowGroup.base(1)), 3, false))) {
        return Objects.requireNonNull(
            program.run(batch.feeds(batch.positions(0, 0), false)).get(ModelGraphs.LOGITS));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {32, IN, 96})
  void aQuantisedConvolutionComputesWhatItsDecodedWeightDoes(long width) {
    QuantizedTensor code = plugins.quantizer("nf4").encode("conv.weight", random(1, width, IN),
        new Configuration("test", Map.of("double_quant", true)), Arena.ofAuto());
    Map<String, HostTensor> dense = new LinkedHashMap<>();
    dense.put("table.weight", random(2, 16, IN));
    dense.put("conv.bias", random(3, width));
    dense.put("head.weight", random(4, 16, width));
    Map<String, HostTensor> quantized = new LinkedHashMap<>(dense);
    quantized.putAll(code.stored());
    dense.put("conv.weight", Matrices.transpose(code.decode(DType.F32)));

    BaseModel expected = new BaseModel(new Convolver(width), TensorSource.of(dense), plugins.quantizers());
    BaseModel actual = new BaseModel(new Convolver(width), TensorSource.of(quantized), plugins.quantizers());

    assertThat(actual.quantized()).containsExactly("conv.weight");
    assertThat(actual.unused()).isEmpty();
    assertThat(actual.value("conv.weight", DType.F32).toFloats())
        .isEqualTo(expected.value("conv.weight", DType.F32).toFloats());
    assertThat(logits(actual).toFloats()).containsExactly(logits(expected).toFloats(),
        org.assertj.core.api.Assertions.within(1e-5f));
  }

  @Test
  void encodingAgainKeepsTheOrientation() {
    QuantizedTensor code = plugins.quantizer("nf4").encode("conv.weight", random(1, 96, IN),
        new Configuration("test", Map.of()), Arena.ofAuto());
    Map<String, HostTensor> tensors = new LinkedHashMap<>(code.stored());
    tensors.put("table.weight", random(2, 16, IN));
    tensors.put("conv.bias", random(3, 96));
    tensors.put("head.weight", random(4, 16, 96));
    BaseModel base = new BaseModel(new Convolver(96), TensorSource.of(tensors), plugins.quantizers());
    QuantizedTensor read = base.code("conv.weight").orElseThrow();

    QuantizedTensor again = read.requantize(read.decode(DType.F32), Arena.ofAuto());

    assertThat(again.shape()).isEqualTo(Shape.of(IN, 96));
    assertThat(again.decode(DType.F32).toFloats()).isEqualTo(read.decode(DType.F32).toFloats());
    assertThat(Objects.requireNonNull(again.stored().get("conv.weight")).segment()
        .mismatch(Objects.requireNonNull(code.stored().get("conv.weight")).segment())).isEqualTo(-1);
  }
}
