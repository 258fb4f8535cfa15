package org.example.ia3;

import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Init;
import dev.graft.spi.LinearAdapter;
import dev.graft.spi.LinearBase;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.Params;
import dev.graft.spi.Site;
import java.util.List;
import java.util.Optional;

/**
 * Adapts a linear layer: y = (W x + b) ⊙ l, or y = W (x ⊙ l) + b in a feed-forward layer.
 *
 * @param site the layer
 * @param feedforward whether l scales the operand instead of the result
 * @param startsAtOne whether a fresh l is 1 everywhere, which changes nothing; otherwise it is drawn
 */
record Ia3Linear(Site.Linear site, boolean feedforward, boolean startsAtOne) implements LinearAdapter {
  @Override
  public List<ParamSpec> parameters() {
    Shape shape = feedforward ? Shape.of(1, site.in()) : Shape.of(site.out(), 1);
    Init start = startsAtOne ? new Init.Constant(1) : new Init.Normal(1);
    return List.of(new ParamSpec("ia3_l", shape, start, "ia3_l"));
  }

  @Override
  public Tensor forward(LinearBase base, Params p, Tensor x) {
    Tensor scale = vector(p);
    return feedforward ? base.forward(x.times(scale)) : base.forward(x).times(scale);
  }

  @Override
  public Optional<Merged> merge(LinearBase base, Params p) {
    Tensor weight = base.weight().times(p.get("ia3_l"));
    Optional<Tensor> bias = feedforward ? Optional.empty() : base.bias().map(b -> b.times(vector(p)));
    return Optional.of(new Merged(weight, bias));
  }

  /** Returns l [in] or [out]; the file keeps it as a row or a column, as it scales W. */
  private Tensor vector(Params p) {
    return p.get("ia3_l").reshape(feedforward ? site.in() : site.out());
  }
}
