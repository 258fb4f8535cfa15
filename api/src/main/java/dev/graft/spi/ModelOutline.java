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
 * @param tied the parameter that a layer without one of its own reads, by the name that its own would have: a tied head
 * reads the embedding's weight
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record ModelOutline(List<Site> sites, Map<String, Shape> parameters, Map<String, String> tied) {
  /** Copies the collections, keeping the order. */
  public ModelOutline {
    sites = List.copyOf(sites);
    parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    tied = Collections.unmodifiableMap(new LinkedHashMap<>(tied));
  }

  /** Creates the outline of a model whose layers all have weights of their own. */
  public ModelOutline(List<Site> sites, Map<String, Shape> parameters) {
    this(sites, parameters, Map.of());
  }

  /** Returns the parameter in which a layer's parameter is found: a tied head's weight is the embedding's. */
  public String stored(String parameter) {
    return tied.getOrDefault(parameter, parameter);
  }

  /** Returns the attention layers in their order. */
  public List<Site.Attention> attentions() {
    return sites.stream().filter(Site.Attention.class::isInstance).map(Site.Attention.class::cast).toList();
  }
}
