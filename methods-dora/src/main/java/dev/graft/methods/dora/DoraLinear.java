package dev.graft.methods.dora;

import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.methods.lora.LoraConfig;
import dev.graft.methods.lora.LoraLinear;
import dev.graft.spi.Init;
import dev.graft.spi.LinearAdapter;
import dev.graft.spi.LinearBase;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.Params;
import dev.graft.spi.Site;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Adapts a linear layer: y = W x + b + (g − 1) ⊙ W x̃ + g ⊙ s · B A x̃, where x̃ is x with dropout, and g =
 * m / ‖W + s B A‖ has the norm of each row, taken as a constant by the backward pass (Liu et al. 2024, eq. 5
 * and section 4.3). Without dropout that is b + g ⊙ (W + s B A) x.
 *
 * @param lora the low-rank part
 * @param site the layer
 */
record DoraLinear(LoraLinear lora, Site.Linear site) implements LinearAdapter {
  static DoraLinear of(LoraConfig config, Site.Linear site) {
    return new DoraLinear(new LoraLinear(config, site), site);
  }

  @Override
  public List<ParamSpec> parameters() {
    List<ParamSpec> specs = new ArrayList<>(lora.parameters());
    specs.add(new ParamSpec(Magnitude.NAME, Shape.of(site.out()), new Init.Derived(), Magnitude.NAME));
    return specs;
  }

  @Override
  public Tensor initial(String parameter, LinearBase base, Params p) {
    return norm(adapted(base, p));
  }

  @Override
  public Tensor forward(LinearBase base, Params p, Tensor x) {
    Tensor dropped = p.dropout(x, lora.config().dropout());
    Tensor gain = Magnitude.gain(p, norm(adapted(base, p))).cast(x.dtype());
    // Dropout acts on what the adapter changes, W x̃ among it, so that the base is multiplied twice.
    Tensor product = dropped.linear(base.weight());
    Tensor change = gain.times(product.plus(lora.change(p, dropped)));
    if (dropped == x) {
      return base.bias().map(change::plus).orElse(change);
    }
    return base.forward(x).minus(product).plus(change);
  }

  @Override
  public Optional<Merged> merge(LinearBase base, Params p) {
    Tensor adapted = adapted(base, p);
    Tensor gain = Magnitude.gain(p, norm(adapted));
    return Optional.of(new Merged(gain.reshape(site.out(), 1).times(adapted), Optional.empty()));
  }

  private Tensor norm(Tensor adapted) {
    return Magnitude.norm(adapted, 1).reshape(site.out());
  }

  /** Builds W + s · B A in full precision: [out, in]. */
  private Tensor adapted(LinearBase base, Params p) {
    Tensor change = lora.weightChange(p);
    return base.weight().cast(change.dtype()).plus(change);
  }
}
