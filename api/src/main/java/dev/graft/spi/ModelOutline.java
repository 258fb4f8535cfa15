package dev.graft.spi;

import dev.graft.graph.Shape;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;

/**
 * Lists what a model is made of, in the order of its forward pass.
 *
 * @param sites places where adapters can act
 * @param parameters shape of every base parameter, by its name in the checkpoint
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record ModelOutline(List<Site> sites, Map<String, Shape> parameters) {
  /** Copies the collections, keeping the order. */
  public ModelOutline {
    sites = List.copyOf(sites);
    parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
  }

  /** Returns the attention layers in their order. */
  public List<Site.Attention> attentions() {
    return sites.stream().filter(Site.Attention.class::isInstance).map(Site.Attention.class::cast).toList();
  }
}
