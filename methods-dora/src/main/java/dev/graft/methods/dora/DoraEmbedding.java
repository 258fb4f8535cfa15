package dev.graft.methods.dora;

import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.methods.lora.LoraConfig;
import dev.graft.methods.lora.LoraEmbedding;
import dev.graft.spi.EmbeddingAdapter;
import dev.graft.spi.EmbeddingBase;
import dev.graft.spi.Init;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.Params;
import dev.graft.spi.Site;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Adapts a table of embeddings E: row i becomes g ⊙ (E[i] + s · B A[:, i]), where g = m / ‖E + s (B A)ᵀ‖ has
 * the norm of each column, over the vocabulary, as Hugging Face PEFT takes it.
 *
 * @param lora the low-rank part
 * @param site the table
 */
record DoraEmbedding(LoraEmbedding lora, Site.Embedding site) implements EmbeddingAdapter {
  static DoraEmbedding of(LoraConfig config, Site.Embedding site) {
    return new DoraEmbedding(new LoraEmbedding(config, site), site);
  }

  @Override
  public List<ParamSpec> parameters() {
    List<ParamSpec> specs = new ArrayList<>(lora.parameters());
    specs.add(new ParamSpec(Magnitude.NAME, Shape.of(site.dim()), new Init.Derived(), Magnitude.NAME));
    return specs;
  }

  @Override
  public Tensor initial(String parameter, EmbeddingBase base, Params p) {
    return norm(adapted(base, p));
  }

  @Override
  public Tensor forward(EmbeddingBase base, Params p, Tensor ids) {
    Tensor y = base.forward(ids);
    Tensor gain = Magnitude.gain(p, norm(adapted(base, p)));
    Tensor rest = gain.minus(1).cast(y.dtype());
    return y.plus(rest.times(y)).plus(gain.cast(y.dtype()).times(lora.change(p, ids)));
  }

  @Override
  public Optional<Tensor> merge(EmbeddingBase base, Params p) {
    Tensor adapted = adapted(base, p);
    return Optional.of(Magnitude.gain(p, norm(adapted)).times(adapted));
  }

  private Tensor norm(Tensor adapted) {
    return Magnitude.norm(adapted, 0).reshape(site.dim());
  }

  /** Builds E + s · (B A)ᵀ in full precision: [vocabulary, dim]. */
  private Tensor adapted(EmbeddingBase base, Params p) {
    Tensor change = lora.weightChange(p);
    return base.weight().cast(change.dtype()).plus(change);
  }
}
