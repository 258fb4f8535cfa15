package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.Layers;
import dev.graft.spi.ModelFamily;
import java.util.List;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Builds Gemma 2 (Gemma Team 2024): Gemma with bounded similarities and logits, norms on either side of
 * attention and feed-forward, and windows in every other layer.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Gemma2Family implements ModelFamily {
  @Override
  public String id() {
    return "gemma2";
  }

  @Override
  public String description() {
    return "Gemma 2";
  }

  @Override
  public Set<String> modelTypes() {
    return Set.of("gemma2");
  }

  @Override
  public CausalModel read(Configuration json) {
    Unsupported.flags(json, "use_bidirectional_attention");
    Unsupported.fields(json, "per_layer_config");
    Heads heads = Heads.read(json, 4, 256);
    Norm norm = Norm.read(json, 1e-6, true);
    boolean bias = json.flag("attention_bias", false);
    SelfAttention attention = new SelfAttention(new SeparateProjections(heads, bias), bias,
        1 / Math.sqrt(Sizes.optional(json, "query_pre_attn_scalar", 256)),
        softcap(json, "attn_logit_softcapping", 50), 0);
    FeedForward feedForward = new GatedFeedForward(Sizes.required(json, "intermediate_size"),
        Activations.read(json, "hidden_activation", "gelu_pytorch_tanh"), false);
    List<Block> blocks = Windows
        .read(json, Sizes.nullable(json, "sliding_window", 4096), layer -> layer % 2 == 0).stream()
        .<Block>map(tokens -> new SandwichBlock(norm, attention.within(tokens), feedForward)).toList();
    long positions = Sizes.optional(json, "max_position_embeddings", 8192);
    Vocabulary vocabulary = Vocabulary.read(json, true);
    return new Decoder(vocabulary.scaled(Math.sqrt(vocabulary.hidden()))
        .capped(softcap(json, "final_logit_softcapping", 30)), positions,
        RopeSettings.read(json, heads.dim(), positions).rope(), blocks, norm);
  }

  /** Reads a bound that a family has if absent, and none if null. */
  private static double softcap(Configuration json, String key, double ifAbsent) {
    double cap = json.number(key, json.values().containsKey(key) ? 0 : ifAbsent);
    if (json.has(key) && !(cap > 0)) {
      json.fault(key, "must be above 0, or null for none, not " + cap);
    }
    return cap;
  }

  /** Adds attention, then feed-forward, each with a norm before and one after. */
  private record SandwichBlock(Norm norm, SelfAttention attention, FeedForward feedForward) implements Block {
    @Override
    public Tensor apply(Layers layers, String name, int layer, Tensor x, Rope.Angles angles) {
      Tensor mixed = attention.apply(layers, name + ".self_attn", layer,
          norm.apply(layers, name + ".input_layernorm", x), angles);
      Tensor attended = x.plus(norm.apply(layers, name + ".post_attention_layernorm", mixed));
      Tensor fed = feedForward.apply(layers, name + ".mlp",
          norm.apply(layers, name + ".pre_feedforward_layernorm", attended));
      return attended.plus(norm.apply(layers, name + ".post_feedforward_layernorm", fed));
    }
  }
}
