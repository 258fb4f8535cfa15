package dev.graft.methods.lora;

import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.EmbeddingAdapter;
import dev.graft.spi.EmbeddingBase;
import dev.graft.spi.Init;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.Params;
import dev.graft.spi.Site;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Adapts a table of embeddings E: row i becomes E[i] + s · B A[:, i].
 *
 * <p>
 * The padding token's column of A is a parameter like any other. PEFT keeps its gradient at zero where the
 * base's table has a {@code padding_idx}. Here padding has no gradient because nothing attends to it; where a
 * text holds that very token (a model that pads with its end of text), the column learns.
 *
 * @param config the settings
 * @param site the table
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record LoraEmbedding(LoraConfig config, Site.Embedding site) implements EmbeddingAdapter {
  @Override
  public List<ParamSpec> parameters() {
    int rank = config.rank(site.name());
    return List.of(
        new ParamSpec("lora_embedding_A", Shape.of(rank, site.vocabulary()), Init.ZEROS, "lora_embedding_A"),
        new ParamSpec("lora_embedding_B", Shape.of(site.dim(), rank), new Init.Normal(1),
            "lora_embedding_B"));
  }

  @Override
  public Tensor forward(EmbeddingBase base, Params p, Tensor ids) {
    return base.forward(ids).plus(change(p, ids));
  }

  /** Builds s · (A[:, ids])ᵀ Bᵀ: [batch, seq, dim]. */
  public Tensor change(Params p, Tensor ids) {
    Tensor low = p.get("lora_embedding_A").permute(1, 0).gather(0, ids);
    return low.linear(p.get("lora_embedding_B")).times(config.scaling(site.name()));
  }

  /** Builds s · (B A)ᵀ in full precision: [vocabulary, dim]. */
  public Tensor weightChange(Params p) {
    return p.full("lora_embedding_A").matmul(p.full("lora_embedding_B"), true, true)
        .times(config.scaling(site.name()));
  }

  @Override
  public Optional<Tensor> merge(EmbeddingBase base, Params p) {
    Tensor change = weightChange(p);
    return Optional.of(base.weight().cast(change.dtype()).plus(change));
  }
}
