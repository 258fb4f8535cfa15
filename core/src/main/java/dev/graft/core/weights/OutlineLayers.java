package dev.graft.core.weights;

import dev.graft.graph.DType;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.AttentionSpec;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Layers;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.Site;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Finds out what a model is made of by letting it build the graph of a single token. */
final class OutlineLayers implements Layers {
  private final List<Site> sites = new ArrayList<>();
  private final Map<String, Shape> parameters = new LinkedHashMap<>();
  private final Map<String, String> tied = new LinkedHashMap<>();

  private OutlineLayers() {
  }

  static ModelOutline of(CausalModel model) {
    OutlineLayers layers = new OutlineLayers();
    Tensor token = Tensor.input("token", DType.I64, 1, 1);
    Tensor hidden = model.hidden(layers, token, token);
    model.logits(layers, hidden.reshape(1, hidden.dim(-1)));
    return new ModelOutline(layers.sites, layers.parameters, layers.tied);
  }

  @Override
  public DType computeType() {
    return DType.F32;
  }

  @Override
  public Tensor embedding(String name, Tensor ids, long vocabulary, long dim) {
    sites.add(new Site.Embedding(name, vocabulary, dim));
    return parameter(name + ".weight", vocabulary, dim).gather(0, ids);
  }

  @Override
  public Tensor linear(String name, Tensor x, long out, boolean bias) {
    sites.add(new Site.Linear(name, x.dim(-1), out, bias, false, false));
    Tensor y = x.linear(parameter(name + ".weight", out, x.dim(-1)));
    return bias ? y.plus(parameter(name + ".bias", out)) : y;
  }

  @Override
  public Tensor transposedLinear(String name, Tensor x, long out) {
    sites.add(new Site.Linear(name, x.dim(-1), out, true, true, false));
    Tensor weight = parameter(name + ".weight", x.dim(-1), out);
    return x.linear(weight.permute(1, 0)).plus(parameter(name + ".bias", out));
  }

  @Override
  public Tensor head(String name, Tensor x, long vocabulary, String tiedTo) {
    sites.add(new Site.Linear(name, x.dim(-1), vocabulary, false, false, true));
    String own = name + ".weight";
    if (tiedTo.isEmpty()) {
      return x.linear(parameter(own, vocabulary, x.dim(-1)));
    }
    tied.put(own, tiedTo + ".weight");
    return x.linear(parameter(tiedTo + ".weight", vocabulary, x.dim(-1)));
  }

  @Override
  public Tensor parameter(String name, long... shape) {
    parameters.put(name, Shape.of(shape));
    return Tensor.variable(name, computeType(), Shape.of(shape));
  }

  @Override
  public Tensor input(String name, Tensor embeddings) {
    sites.add(new Site.Input(name, embeddings.dim(-1)));
    return embeddings;
  }

  @Override
  public Tensor attention(String name, AttentionSpec spec, Tensor q, Tensor k, Tensor v) {
    sites.add(new Site.Attention(name, spec.layer(), q.dim(1), k.dim(1), q.dim(3)));
    return q;
  }

  @Override
  public Tensor block(String name, Tensor x, UnaryOperator<Tensor> body) {
    return body.apply(x);
  }
}
