package dev.graft.core.graphs;

import dev.graft.error.GraftException;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.BaseLayers;
import dev.graft.spi.EmbeddingBase;
import dev.graft.spi.LinearBase;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.Site;
import java.util.Optional;

/** Finds layers of the base model by their names. */
record NamedBaseLayers(GraphLayers layers, RowGroup group, ModelOutline outline) implements BaseLayers {
  @Override
  public LinearBase linear(String name) {
    return layers.linearBase(group, site(Site.Linear.class, name, "linear layer"));
  }

  @Override
  public EmbeddingBase embedding(String name) {
    Site.Embedding table = site(Site.Embedding.class, name, "table of embeddings");
    return layers.embeddingBase(group, name, table.vocabulary(), table.dim());
  }

  private <S extends Site> S site(Class<S> kind, String name, String what) {
    return outline.sites().stream().filter(kind::isInstance).map(kind::cast)
        .filter(site -> site.name().equals(name)).findFirst()
        .orElseThrow(() -> new GraftException("This model has no " + what + " named \"" + name + "\""));
  }

  @Override
  public Tensor parameter(String name) {
    Shape shape = Optional.ofNullable(outline.parameters().get(name))
        .orElseThrow(() -> new GraftException("This model has no parameter named \"" + name + "\""));
    return layers.parameter(name, shape.dims());
  }
}
