package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.GatedActivation;
import dev.graft.graph.nn.RmsNorm;
import dev.graft.graph.nn.RotaryEmbedding;
import dev.graft.spi.AttentionSpec;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.Layers;
import dev.graft.spi.ModelFamily;
import java.util.Set;
import org.apiguardian.api.API;

/** Builds Llama 2 and 3, TinyLlama, and all that share their form (Touvron et al. 2023). */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class LlamaFamily implements ModelFamily {
  @Override
  public String id() {
    return "llama";
  }

  @Override
  public String description() {
    return "Llama 2 and 3, TinyLlama and models of the same form";
  }

  @Override
  public Set<String> modelTypes() {
    return Set.of("llama");
  }

  @Override
  public CausalModel read(Configuration json) {
    long hidden = Sizes.required(json, "hidden_size");
    long heads = Sizes.required(json, "num_attention_heads");
    long kvHeads = Sizes.optional(json, "num_key_value_heads", heads);
    if (heads % kvHeads != 0) {
      json.fault("num_key_value_heads", "must divide num_attention_heads " + heads + ", not " + kvHeads);
    }
    if (!json.has("head_dim") && hidden % heads != 0) {
      json.fault("hidden_size", "must be a multiple of num_attention_heads " + heads + ", not " + hidden);
    }
    long headDim = Sizes.optional(json, "head_dim", Math.max(1, hidden / heads));
    return new Llama(Sizes.required(json, "vocab_size"), hidden, Sizes.required(json, "intermediate_size"),
        Math.toIntExact(Sizes.required(json, "num_hidden_layers")), heads, kvHeads, headDim,
        json.number("rms_norm_eps", 1e-6), Rope.read(json, headDim),
        Activations.read(json, "hidden_act", "silu"), json.flag("attention_bias", false),
        json.flag("mlp_bias", false), json.flag("tie_word_embeddings", false),
        Sizes.optional(json, "max_position_embeddings", 2048));
  }

  private record Llama(long vocabulary, long hiddenSize, long ffn, int depth, long heads, long kvHeads,
      long headDim, double epsilon, Rope rope, Activation.Function activation, boolean attentionBias,
      boolean mlpBias, boolean tied, long maxPositions) implements CausalModel {
    private static final String EMBEDDING = "model.embed_tokens";

    @Override
    public Tensor hidden(Layers layers, Tensor ids, Tensor positions) {
      Tensor x = layers.input(EMBEDDING, layers.embedding(EMBEDDING, ids, vocabulary, hiddenSize));
      Rope.Angles angles = rope.at(positions, layers.computeType());
      for (int i = 0; i < depth; i++) {
        int layer = i;
        String name = "model.layers." + i;
        x = layers.block(name, x, in -> {
          Tensor attended = in.plus(attention(layers, name + ".self_attn", layer,
              norm(layers, name + ".input_layernorm", in), angles));
          return attended.plus(feedForward(layers, name + ".mlp",
              norm(layers, name + ".post_attention_layernorm", attended)));
        });
      }
      return norm(layers, "model.norm", x);
    }

    @Override
    public Tensor logits(Layers layers, Tensor rows) {
      return layers.head("lm_head", rows, vocabulary, tied ? EMBEDDING : "");
    }

    private Tensor norm(Layers layers, String name, Tensor x) {
      return RmsNorm.of(x, layers.parameter(name + ".weight", hiddenSize), epsilon, false);
    }

    private Tensor attention(Layers layers, String name, int layer, Tensor x, Rope.Angles angles) {
      Tensor q = split(layers.linear(name + ".q_proj", x, heads * headDim, attentionBias), heads);
      Tensor k = split(layers.linear(name + ".k_proj", x, kvHeads * headDim, attentionBias), kvHeads);
      Tensor v = split(layers.linear(name + ".v_proj", x, kvHeads * headDim, attentionBias), kvHeads);
      Tensor mixed = layers.attention(name, new AttentionSpec(layer, 1 / Math.sqrt(headDim), 0, 0),
          RotaryEmbedding.of(q, angles.cosines(), angles.sines()),
          RotaryEmbedding.of(k, angles.cosines(), angles.sines()), v);
      Tensor joined = mixed.permute(0, 2, 1, 3).reshape(x.dim(0), x.dim(1), heads * headDim);
      return layers.linear(name + ".o_proj", joined, hiddenSize, attentionBias);
    }

    private Tensor split(Tensor x, long count) {
      return x.reshape(x.dim(0), x.dim(1), count, headDim).permute(0, 2, 1, 3);
    }

    private Tensor feedForward(Layers layers, String name, Tensor x) {
      Tensor gated = GatedActivation.of(activation, layers.linear(name + ".gate_proj", x, ffn, mlpBias),
          layers.linear(name + ".up_proj", x, ffn, mlpBias));
      return layers.linear(name + ".down_proj", gated, hiddenSize, mlpBias);
    }
  }
}
