package dev.graft.models;

import dev.graft.error.GraftException;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.LayerNorm;
import dev.graft.spi.AttentionSpec;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.Layers;
import dev.graft.spi.ModelFamily;
import java.util.Set;
import org.apiguardian.api.API;

/** Builds GPT-2 (Radford et al. 2019). The dropout of its published configurations is not applied in training. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Gpt2Family implements ModelFamily {
  @Override
  public String id() {
    return "gpt2";
  }

  @Override
  public String description() {
    return "GPT-2";
  }

  @Override
  public Set<String> modelTypes() {
    return Set.of("gpt2");
  }

  @Override
  public CausalModel read(Configuration json) {
    Unsupported.flags(json, "add_cross_attention");
    Unsupported.fields(json, "per_layer_config");
    long hidden = Sizes.required(json, "n_embd");
    long heads = Sizes.required(json, "n_head");
    if (hidden % heads != 0) {
      json.fault("n_embd", "must be a multiple of n_head " + heads + ", not " + hidden);
    }
    return new Gpt2(Sizes.required(json, "vocab_size"), hidden, Sizes.optional(json, "n_inner", 4 * hidden),
        Sizes.layers(json, "n_layer"), heads, Sizes.optional(json, "n_positions", 1024),
        json.number("layer_norm_epsilon", 1e-5), Activations.read(json, "activation_function", "gelu_new"),
        json.flag("scale_attn_weights", true), json.flag("scale_attn_by_inverse_layer_idx", false),
        json.flag("tie_word_embeddings", true));
  }

  // reorder_and_upcast_attn needs no reading: similarities are always computed in the wider type.
  private record Gpt2(long vocabulary, long hidden, long inner, int depth, long heads, long maxPositions,
      double epsilon, Activation.Function activation, boolean scaledByDim, boolean scaledByLayer,
      boolean tied) implements CausalModel {
    private static final String TOKENS = "transformer.wte";
    private static final String POSITIONS = "transformer.wpe";

    @Override
    public Tensor hidden(Layers layers, Tensor ids, Tensor positions) {
      if (positions.dim(1) > maxPositions) {
        throw new GraftException(
            "A sequence of " + positions.dim(1) + " tokens, virtual ones included, is too"
                + " long: this model has learned " + maxPositions + " positions (n_positions)");
      }
      Tensor x = layers.input(TOKENS, layers.embedding(TOKENS, ids, vocabulary, hidden))
          .plus(layers.embedding(POSITIONS, positions, maxPositions, hidden));
      for (int i = 0; i < depth; i++) {
        int layer = i;
        String name = "transformer.h." + i;
        x = layers.block(name, x, in -> {
          Tensor attended = in
              .plus(attention(layers, name + ".attn", layer, norm(layers, name + ".ln_1", in)));
          return attended.plus(feedForward(layers, name + ".mlp", norm(layers, name + ".ln_2", attended)));
        });
      }
      return norm(layers, "transformer.ln_f", x);
    }

    @Override
    public Tensor logits(Layers layers, Tensor rows) {
      return layers.head("lm_head", rows, vocabulary, tied ? TOKENS : "");
    }

    private Tensor norm(Layers layers, String name, Tensor x) {
      return LayerNorm.of(x, layers.parameter(name + ".weight", hidden),
          layers.parameter(name + ".bias", hidden), epsilon);
    }

    private Tensor attention(Layers layers, String name, int layer, Tensor x) {
      Tensor joined = layers.transposedLinear(name + ".c_attn", x, 3 * hidden);
      Tensor mixed = layers.attention(name, new AttentionSpec(layer, scale(layer), 0, 0),
          split(joined, 0), split(joined, 1), split(joined, 2));
      return layers.transposedLinear(name + ".c_proj", Heads.join(mixed), hidden);
    }

    private double scale(int layer) {
      double scale = scaledByDim ? 1 / Math.sqrt((double) hidden / heads) : 1;
      return scaledByLayer ? scale / (layer + 1) : scale;
    }

    private Tensor split(Tensor joined, int part) {
      return new Heads(heads, heads, hidden / heads)
          .split(joined.slice(-1, part * hidden, (part + 1) * hidden));
    }

    private Tensor feedForward(Layers layers, String name, Tensor x) {
      return layers.transposedLinear(name + ".c_proj",
          Activation.of(activation, layers.transposedLinear(name + ".c_fc", x, inner)), hidden);
    }
  }
}
