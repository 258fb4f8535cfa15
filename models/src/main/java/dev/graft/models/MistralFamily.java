package dev.graft.models;

import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelFamily;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Builds Mistral: Llama whose layers may see the last tokens alone (Jiang et al. 2023), and Ministral, some of
 * whose layers do.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class MistralFamily implements ModelFamily {
  @Override
  public String id() {
    return "mistral";
  }

  @Override
  public String description() {
    return "Mistral and Ministral";
  }

  @Override
  public Set<String> modelTypes() {
    return Set.of("mistral", "ministral");
  }

  @Override
  public CausalModel read(Configuration json) {
    Unsupported.flags(json, "attention_bias", "mlp_bias");
    Unsupported.fields(json, "per_layer_config");
    Heads heads = Heads.read(json, 8);
    Norm norm = Norm.read(json);
    SelfAttention attention = SelfAttention.of(new SeparateProjections(heads, false), false);
    FeedForward feedForward = GatedFeedForward.read(json, false);
    Optional<Long> window = Sizes.nullable(json, "sliding_window", 4096);
    List<Block> blocks = Windows.read(json, window, _ -> window.isPresent()).stream()
        .<Block>map(tokens -> new PreNormBlock(norm, attention.within(tokens), feedForward)).toList();
    long positions = Sizes.optional(json, "max_position_embeddings", 131072);
    return new Decoder(Vocabulary.read(json, false), positions,
        RopeSettings.read(json, heads.dim(), positions).rope(), blocks, norm);
  }
}
