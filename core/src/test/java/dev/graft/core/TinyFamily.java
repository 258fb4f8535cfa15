package dev.graft.core;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.RmsNorm;
import dev.graft.graph.nn.RotaryEmbedding;
import dev.graft.spi.AttentionSpec;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.Layers;
import dev.graft.spi.ModelFamily;
import java.util.Set;

/** Reads decoders of two blocks that are small enough for finite differences; core's tests have no other. */
public record TinyFamily() implements ModelFamily {
  static final String TYPE = "core-tiny";
  static final long VOCABULARY = 19;
  static final long POSITIONS = 32;
  private static final long HIDDEN = 8;
  private static final long HEADS = 2;
  private static final long HEAD_DIM = HIDDEN / HEADS;
  private static final long FFN = 12;
  private static final int DEPTH = 2;
  private static final String EMBEDDING = "model.embed_tokens";

  @Override
  public String id() {
    return TYPE;
  }

  @Override
  public String description() {
    return "Decoders of two small blocks";
  }

  @Override
  public Set<String> modelTypes() {
    return Set.of(TYPE);
  }

  @Override
  public CausalModel read(Configuration json) {
    return new Decoder();
  }

  /** A decoder whose head is tied to its embedding. */
  record Decoder() implements CausalModel {
    @Override
    public long vocabulary() {
      return VOCABULARY;
    }

    @Override
    public long maxPositions() {
      return POSITIONS;
    }

    @Override
    public Tensor hidden(Layers layers, Tensor ids, Tensor positions) {
      Tensor x = layers.input(EMBEDDING, layers.embedding(EMBEDDING, ids, VOCABULARY, HIDDEN));
      Tensor angles = angles(positions);
      for (int i = 0; i < DEPTH; i++) {
        int layer = i;
        String name = "model.layers." + i;
        x = layers.block(name, x, in -> {
          Tensor attended = in.plus(
              attention(layers, name + ".self_attn", layer, norm(layers, name + ".norm_1", in), angles));
          Tensor normed = norm(layers, name + ".norm_2", attended);
          Tensor up = Activation.of(Activation.Function.SILU,
              layers.linear(name + ".mlp.up_proj", normed, FFN, true));
          return attended.plus(layers.linear(name + ".mlp.down_proj", up, HIDDEN, false));
        });
      }
      return norm(layers, "model.norm", x);
    }

    @Override
    public Tensor logits(Layers layers, Tensor rows) {
      return layers.head("lm_head", rows, VOCABULARY, EMBEDDING);
    }

    private static Tensor norm(Layers layers, String name, Tensor x) {
      return RmsNorm.of(x, layers.parameter(name + ".weight", HIDDEN), 1e-6, false);
    }

    /** Builds the angle of each feature at each position: [batch, 1, seq, headDim]. */
    private static Tensor angles(Tensor positions) {
      Tensor frequencies = Tensor
          .constant(HostTensor.ofDoubles(Shape.of(1, 1, 1, HEAD_DIM), 1, 0.1, 1, 0.1));
      return positions.cast(DType.F64).reshape(positions.dim(0), 1, positions.dim(1), 1).times(frequencies);
    }

    private static Tensor attention(Layers layers, String name, int layer, Tensor x, Tensor angles) {
      Tensor cosines = angles.cos().cast(layers.computeType());
      Tensor sines = angles.sin().cast(layers.computeType());
      Tensor q = split(layers.linear(name + ".q_proj", x, HIDDEN, false));
      Tensor k = split(layers.linear(name + ".k_proj", x, HIDDEN, false));
      Tensor v = split(layers.linear(name + ".v_proj", x, HIDDEN, false));
      Tensor mixed = layers.attention(name, new AttentionSpec(layer, 0.5, 0, 0),
          RotaryEmbedding.of(q, cosines, sines), RotaryEmbedding.of(k, cosines, sines), v);
      Tensor joined = mixed.permute(0, 2, 1, 3).reshape(x.dim(0), x.dim(1), HIDDEN);
      return layers.linear(name + ".o_proj", joined, HIDDEN, false);
    }

    private static Tensor split(Tensor x) {
      return x.reshape(x.dim(0), x.dim(1), HEADS, HEAD_DIM).permute(0, 2, 1, 3);
    }
  }
}
