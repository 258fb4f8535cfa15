package dev.graft.methods.prefix;

import dev.graft.graph.Tensor;
import dev.graft.spi.AttentionAdapter;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.Params;
import dev.graft.spi.Site;
import java.util.List;

/**
 * Takes one layer's keys and values out of the table, whose columns are L0 keys, L0 values, L1 keys, …
 *
 * @param config the settings, fitted to the model
 * @param site the layer
 */
record PrefixAttention(PrefixConfig config, Site.Attention site) implements AttentionAdapter {
  @Override
  public List<ParamSpec> parameters() {
    return List.of();
  }

  @Override
  public Tensor keys(Params p) {
    return columns(p, 2L * site.layer());
  }

  @Override
  public Tensor values(Params p) {
    return columns(p, 2L * site.layer() + 1);
  }

  private Tensor columns(Params p, long part) {
    long width = site.kvHeads() * site.headDim();
    return new PrefixTable(config).of(p).slice(1, part * width, (part + 1) * width)
        .reshape(config.virtualTokens(), site.kvHeads(), site.headDim()).permute(1, 0, 2);
  }
}
