package dev.graft.models;

import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelFamily;
import java.util.List;
import java.util.Set;
import org.apiguardian.api.API;

/** Builds Qwen 2 and 2.5: Llama with biases on queries, keys and values (Yang et al. 2024). */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Qwen2Family implements ModelFamily {
  @Override
  public String id() {
    return "qwen2";
  }

  @Override
  public String description() {
    return "Qwen 2 and 2.5";
  }

  @Override
  public Set<String> modelTypes() {
    return Set.of("qwen2");
  }

  @Override
  public CausalModel read(Configuration json) {
    Unsupported.fields(json, "per_layer_config");
    Heads heads = Heads.read(json, 32);
    Norm norm = Norm.read(json);
    SelfAttention attention = SelfAttention.of(new SeparateProjections(heads, true), false);
    FeedForward feedForward = GatedFeedForward.read(json, false);
    List<Block> blocks = Windows.afterFullLayers(json).stream()
        .<Block>map(tokens -> new PreNormBlock(norm, attention.within(tokens), feedForward)).toList();
    long positions = Sizes.optional(json, "max_position_embeddings", 32768);
    return new Decoder(Vocabulary.read(json, false), positions,
        RopeSettings.read(json, heads.dim(), positions).rope(), blocks, norm);
  }
}
