package dev.graft.testkit;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.RmsNorm;
import dev.graft.graph.nn.RotaryEmbedding;
import dev.graft.spi.AttentionSpec;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Layers;

/**
 * Builds a decoder of two small layers that has one of everything: a layer with a bias and layers without, a
 * layer stored as GPT-2's Conv1D, grouped key/value heads, rotated positions, and a head tied to the
 * embedding if asked.
 *
 * @param tied whether the head's weight is the embedding's
 */
record TinyModel(boolean tied) implements CausalModel {
  private static final long VOCABULARY = 17;
  private static final long HIDDEN = 12;
  private static final long HEADS = 4;
  private static final long KV_HEADS = 2;
  private static final long HEAD_DIM = 4;
  private static final long FFN = 20;
  private static final int DEPTH = 2;
  private static final String EMBEDDING = "model.embed_tokens";

  @Override
  public long vocabulary() {
    return VOCABULARY;
  }

  @Override
  public long maxPositions() {
    return 64;
  }

  @Override
  public Tensor hidden(Layers layers, Tensor ids, Tensor positions) {
    Tensor x = layers.input(EMBEDDING, layers.embedding(EMBEDDING, ids, VOCABULARY, HIDDEN));
    Tensor angles = angles(positions);
    for (int i = 0; i < DEPTH; i++) {
      int layer = i;
      String name = "model.layers." + i;
      x = layers.block(name, x, in -> {
        Tensor attended = in
            .plus(attention(layers, name + ".self_attn", layer, norm(layers, name + ".norm_1", in),
                angles));
        return attended.plus(feedForward(layers, name + ".mlp", norm(layers, name + ".norm_2", attended)));
      });
    }
    return norm(layers, "model.norm", x);
  }

  @Override
  public Tensor logits(Layers layers, Tensor rows) {
    return layers.head("lm_head", rows, VOCABULARY, tied ? EMBEDDING : "");
  }

  private static Tensor norm(Layers layers, String name, Tensor x) {
    return RmsNorm.of(x, layers.parameter(name + ".weight", HIDDEN), 1e-6, false);
  }

  /** Builds the angle of each feature at each position: [batch, 1, seq, headDim]. */
  private static Tensor angles(Tensor positions) {
    double[] frequencies = {1, 0.1, 1, 0.1};
    Tensor perFeature = Tensor.constant(HostTensor.ofDoubles(Shape.of(1, 1, 1, HEAD_DIM), frequencies));
    return positions.cast(DType.F64).reshape(positions.dim(0), 1, positions.dim(1), 1).times(perFeature);
  }

  private static Tensor attention(Layers layers, String name, int layer, Tensor x, Tensor angles) {
    Tensor cosines = angles.cos().cast(layers.computeType());
    Tensor sines = angles.sin().cast(layers.computeType());
    Tensor q = split(layers.linear(name + ".q_proj", x, HEADS * HEAD_DIM, true), HEADS);
    Tensor k = split(layers.linear(name + ".k_proj", x, KV_HEADS * HEAD_DIM, false), KV_HEADS);
    Tensor v = split(layers.linear(name + ".v_proj", x, KV_HEADS * HEAD_DIM, false), KV_HEADS);
    Tensor mixed = layers.attention(name, new AttentionSpec(layer, 0.5, 0, 0),
        RotaryEmbedding.of(q, cosines, sines), RotaryEmbedding.of(k, cosines, sines), v);
    Tensor joined = mixed.permute(0, 2, 1, 3).reshape(x.dim(0), x.dim(1), HEADS * HEAD_DIM);
    return layers.linear(name + ".o_proj", joined, HIDDEN, false);
  }

  private static Tensor split(Tensor x, long count) {
    return x.reshape(x.dim(0), x.dim(1), count, HEAD_DIM).permute(0, 2, 1, 3);
  }

  private static Tensor feedForward(Layers layers, String name, Tensor x) {
    Tensor up = Activation.of(Activation.Function.SILU, layers.linear(name + ".up_proj", x, FFN, false));
    return layers.transposedLinear(name + ".down_proj", up, HIDDEN);
  }
}
