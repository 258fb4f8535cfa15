package dev.graft.models;

import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
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
    Unsupported.fields(json, "per_layer_config");
    Heads heads = Heads.read(json);
    Norm norm = Norm.read(json);
    boolean bias = json.flag("attention_bias", false);
    Block block = new PreNormBlock(norm, SelfAttention.of(new SeparateProjections(heads, bias), bias),
        GatedFeedForward.read(json, json.flag("mlp_bias", false)));
    long positions = Sizes.optional(json, "max_position_embeddings", 2048);
    return new Decoder(Vocabulary.read(json, false), positions,
        RopeSettings.read(json, heads.dim(), positions).rope(), Decoder.repeated(json, block), norm);
  }
}
