package dev.graft.methods.prefix;

import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Init;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.Params;
import java.util.List;
import java.util.function.Function;

/**
 * Makes the table of all keys and values, [virtualTokens, 2 · layers · tokenDim]: itself a parameter, or
 * tanh(E W₀ᵀ + b₀) W₂ᵀ + b₂ over parameters that start as PyTorch's layers do.
 *
 * @param config the settings, fitted to the model
 */
record PrefixTable(PrefixConfig config) {
  static final String KEY = "prompt_embeddings";
  private static final String NETWORK = "prompt_encoder.";

  List<ParamSpec> parameters() {
    long tokens = config.virtualTokens();
    if (!config.projects()) {
      Init start = config.zero() ? Init.ZEROS : new Init.Normal(1);
      return List.of(new ParamSpec(KEY, Shape.of(tokens, config.width()), start, KEY));
    }
    long dim = config.tokenDim().orElseThrow();
    long hidden = config.hidden().orElseThrow();
    Init first = new Init.Uniform(1 / Math.sqrt(dim));
    Init last = config.zero() ? Init.ZEROS : new Init.Uniform(1 / Math.sqrt(hidden));
    return List.of(
        network("embedding.weight", Shape.of(tokens, dim), new Init.Normal(1)),
        network("transform.0.weight", Shape.of(hidden, dim), first),
        network("transform.0.bias", Shape.of(hidden), first),
        network("transform.2.weight", Shape.of(config.width(), hidden), last),
        network("transform.2.bias", Shape.of(config.width()), last));
  }

  private static ParamSpec network(String name, Shape shape, Init start) {
    return new ParamSpec(name, shape, start, NETWORK + name);
  }

  /** Builds the table in the compute type. */
  Tensor of(Params p) {
    return build(p::get);
  }

  /** Builds the table in full precision. */
  Tensor full(Params p) {
    return build(p::full);
  }

  private Tensor build(Function<String, Tensor> p) {
    if (!config.projects()) {
      return p.apply(KEY);
    }
    return p.apply("embedding.weight")
        .linear(p.apply("transform.0.weight")).plus(p.apply("transform.0.bias")).tanh()
        .linear(p.apply("transform.2.weight")).plus(p.apply("transform.2.bias"));
  }
}
