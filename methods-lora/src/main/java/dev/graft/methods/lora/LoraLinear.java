package dev.graft.methods.lora;

import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Init;
import dev.graft.spi.LinearAdapter;
import dev.graft.spi.LinearBase;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.Params;
import dev.graft.spi.Site;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Adapts a linear layer: y = W x + b + s · (B A x̃ + b_B), where x̃ is x with dropout.
 *
 * @param config the settings
 * @param site the layer
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record LoraLinear(LoraConfig config, Site.Linear site) implements LinearAdapter {
  @Override
  public List<ParamSpec> parameters() {
    int rank = config.rank(site.name());
    double bound = 1 / Math.sqrt(site.in());
    Init start = switch (config.start()) {
      case DEFAULT, RANDOM -> new Init.Uniform(bound);
      case GAUSSIAN -> new Init.Normal(1.0 / rank);
    };
    Init other = config.start() == LoraConfig.Start.RANDOM
        ? new Init.Uniform(1 / Math.sqrt(rank))
        : Init.ZEROS;
    List<ParamSpec> specs = new ArrayList<>();
    specs.add(new ParamSpec("lora_A", Shape.of(rank, site.in()), start, "lora_A.weight"));
    specs.add(new ParamSpec("lora_B", Shape.of(site.out(), rank), other, "lora_B.weight"));
    if (config.loraBias()) {
      specs.add(new ParamSpec("lora_B_bias", Shape.of(site.out()), other, "lora_B.bias"));
    }
    return specs;
  }

  @Override
  public Tensor forward(LinearBase base, Params p, Tensor x) {
    return base.forward(x).plus(change(p, p.dropout(x, config.dropout())));
  }

  /** Builds s · (B A x + b_B). The thin product is what is scaled, so that no gradient of y has to be. */
  public Tensor change(Params p, Tensor x) {
    double scaling = config.scaling(site.name());
    Tensor change = x.linear(p.get("lora_A")).times(scaling).linear(p.get("lora_B"));
    return config.loraBias() ? change.plus(p.get("lora_B_bias").times(scaling)) : change;
  }

  /** Builds s · B A in full precision: [out, in]. */
  public Tensor weightChange(Params p) {
    return p.full("lora_B").matmul(p.full("lora_A")).times(config.scaling(site.name()));
  }

  @Override
  public Optional<Merged> merge(LinearBase base, Params p) {
    Optional<Tensor> bias = Optional.empty();
    if (config.loraBias()) {
      Tensor change = p.full("lora_B_bias").times(config.scaling(site.name()));
      bias = Optional.of(base.bias().map(b -> b.cast(change.dtype()).plus(change)).orElse(change));
    }
    Tensor change = weightChange(p);
    return Optional.of(new Merged(base.weight().cast(change.dtype()).plus(change), bias));
  }
}
