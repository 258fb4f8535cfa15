package dev.graft.models;

import dev.graft.graph.nn.Activation;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelFamily;
import java.util.Set;
import org.apiguardian.api.API;

/** Builds Gemma (Gemma Team 2024): scaled embeddings, norms whose weights count from 1, GELU gates. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class GemmaFamily implements ModelFamily {
  @Override
  public String id() {
    return "gemma";
  }

  @Override
  public String description() {
    return "Gemma 1";
  }

  @Override
  public Set<String> modelTypes() {
    return Set.of("gemma");
  }

  @Override
  public CausalModel read(Configuration json) {
    Unsupported.flags(json, "use_bidirectional_attention");
    Unsupported.fields(json, "per_layer_config");
    Heads heads = Heads.read(json, 16, 256);
    Norm norm = Norm.read(json, 1e-6, true);
    boolean bias = json.flag("attention_bias", false);
    Block block = new PreNormBlock(norm, SelfAttention.of(new SeparateProjections(heads, bias), bias),
        new GatedFeedForward(Sizes.required(json, "intermediate_size"), activation(json), false));
    long positions = Sizes.optional(json, "max_position_embeddings", 8192);
    Vocabulary vocabulary = Vocabulary.read(json, true);
    return new Decoder(vocabulary.scaled(Math.sqrt(vocabulary.hidden())), positions,
        RopeSettings.read(json, heads.dim(), positions).rope(), Decoder.repeated(json, block), norm);
  }

  /** Reads the gate's function; the first releases say "gelu" and mean its approximation by tanh. */
  private static Activation.Function activation(Configuration json) {
    Activation.Function function = tanh(Activations.read(json, "hidden_act", "gelu_pytorch_tanh"));
    if (json.has("hidden_activation")
        && tanh(Activations.read(json, "hidden_activation", "")) != function) {
      json.fault("hidden_activation", "must not say otherwise than \"hidden_act\"");
    }
    return function;
  }

  private static Activation.Function tanh(Activation.Function function) {
    return function == Activation.Function.GELU ? Activation.Function.GELU_TANH : function;
  }
}
