package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.GatedActivation;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.Layers;
import dev.graft.spi.ModelFamily;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Builds Phi-3 (Abdin et al. 2024): Llama whose projections are joined in one layer each, and whose context is
 * extended by LongRoPE.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Phi3Family implements ModelFamily {
  @Override
  public String id() {
    return "phi3";
  }

  @Override
  public String description() {
    return "Phi-3, Phi-3.5 and Phi-4, without vision";
  }

  @Override
  public Set<String> modelTypes() {
    return Set.of("phi3");
  }

  @Override
  public CausalModel read(Configuration json) {
    Unsupported.flags(json, "attention_bias", "mlp_bias", "lm_head_bias");
    Unsupported.fields(json, "per_layer_config");
    Heads heads = Heads.read(json);
    Norm norm = Norm.read(json, 1e-5, false);
    FeedForward feedForward = new JoinedFeedForward(Sizes.required(json, "intermediate_size"),
        Activations.read(json, "hidden_act", "silu"));
    SelfAttention attention = SelfAttention.of(new JoinedProjections(heads), false)
        .within(json.has("sliding_window") ? Sizes.required(json, "sliding_window") : 0);
    long positions = Sizes.optional(json, "max_position_embeddings", 4096);
    return new Decoder(Vocabulary.read(json, false), positions, rope(json, heads.dim(), positions),
        Decoder.repeated(json, new PreNormBlock(norm, attention, feedForward)), norm);
  }

  private static Rope rope(Configuration json, long headDim, long positions) {
    RopeSettings settings = RopeSettings.readPartial(json, headDim, positions)
        .trainedFor(Sizes.optional(json, "original_max_position_embeddings", 4096));
    return switch (settings.type()) {
      case "default", "longrope" -> settings.rope();
      // What LongRoPE was called in the first releases.
      case "su", "yarn" -> settings.as("longrope").rope();
      default -> {
        json.fault("rope_scaling", "\"" + settings.type() + "\" is not supported by phi3; known are default,"
            + " longrope");
        yield settings.as("default").rope();
      }
    };
  }

  /** Projects by one linear layer whose result holds all queries, then all keys, then all values. */
  private record JoinedProjections(Heads heads) implements Projections {
    @Override
    public Projected apply(Layers layers, String name, Tensor x) {
      long queries = heads.query() * heads.dim();
      long keys = heads.keyValue() * heads.dim();
      Tensor joined = layers.linear(name + ".qkv_proj", x, queries + 2 * keys, false);
      return new Projected(heads.split(joined.slice(-1, 0, queries)),
          heads.split(joined.slice(-1, queries, queries + keys)),
          heads.split(joined.slice(-1, queries + keys, queries + 2 * keys)));
    }
  }

  /** Makes the gate and the second branch by one linear layer. */
  private record JoinedFeedForward(long size, Activation.Function activation) implements FeedForward {
    @Override
    public Tensor apply(Layers layers, String name, Tensor x) {
      Tensor joined = layers.linear(name + ".gate_up_proj", x, 2 * size, false);
      Tensor gated = GatedActivation.of(activation, joined.slice(-1, 0, size),
          joined.slice(-1, size, 2 * size));
      return layers.linear(name + ".down_proj", gated, x.dim(-1), false);
    }
  }
}
