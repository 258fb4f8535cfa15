package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.Layers;
import dev.graft.spi.ModelFamily;
import java.util.List;
import java.util.Set;
import org.apiguardian.api.API;

/** Builds the dense models of Qwen 3: each head's queries and keys are normalised (Qwen Team 2025). */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Qwen3Family implements ModelFamily {
  @Override
  public String id() {
    return "qwen3";
  }

  @Override
  public String description() {
    return "Qwen 3, dense";
  }

  @Override
  public Set<String> modelTypes() {
    return Set.of("qwen3");
  }

  @Override
  public CausalModel read(Configuration json) {
    Unsupported.fields(json, "per_layer_config");
    Heads heads = Heads.read(json, 32, 128);
    Norm norm = Norm.read(json);
    boolean bias = json.flag("attention_bias", false);
    SelfAttention attention = SelfAttention
        .of(new NormedProjections(new SeparateProjections(heads, bias), norm), bias);
    FeedForward feedForward = GatedFeedForward.read(json, false);
    List<Block> blocks = Windows.afterFullLayers(json).stream()
        .<Block>map(tokens -> new PreNormBlock(norm, attention.within(tokens), feedForward)).toList();
    long positions = Sizes.optional(json, "max_position_embeddings", 32768);
    return new Decoder(Vocabulary.read(json, false), positions,
        RopeSettings.read(json, heads.dim(), positions).rope(), blocks, norm);
  }

  /** Normalises queries and keys, each head's vectors by themselves. */
  private record NormedProjections(Projections plain, Norm norm) implements Projections {
    @Override
    public Heads heads() {
      return plain.heads();
    }

    @Override
    public Projected apply(Layers layers, String name, Tensor x) {
      Projected projected = plain.apply(layers, name, x);
      return new Projected(norm.apply(layers, name + ".q_norm", projected.queries()),
          norm.apply(layers, name + ".k_norm", projected.keys()), projected.values());
    }
  }
}
