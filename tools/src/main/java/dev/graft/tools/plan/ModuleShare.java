package dev.graft.tools.plan;

import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.Attachment;
import dev.graft.spi.Site;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;

/**
 * States what a method adds to modules of one kind.
 *
 * @param name last part of the modules' names, such as {@code q_proj}
 * @param shape of one of them, such as {@code 4096 x 4096}
 * @param count how many there are
 * @param baseParameters numbers of the weight of one of them; 0 if the module has none
 * @param trainedParameters numbers that learn in one of them
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record ModuleShare(String name, String shape, int count, long baseParameters, long trainedParameters) {

  /** Lists the kinds of modules that a method acts on, in the model's order. */
  public static List<ModuleShare> of(Attachment attachment) {
    Map<String, Long> trained = new LinkedHashMap<>();
    for (AdapterTensor tensor : attachment.trainable()) {
      trained.merge(tensor.site(), tensor.shape().size(), Long::sum);
    }
    Map<ModuleShare, Integer> kinds = new LinkedHashMap<>();
    for (Site site : attachment.sites()) {
      kinds.merge(one(site, trained.getOrDefault(site.name(), 0L)), 1, Integer::sum);
    }
    List<ModuleShare> shares = new ArrayList<>();
    kinds.forEach((kind, count) -> shares.add(new ModuleShare(kind.name, kind.shape, count,
        kind.baseParameters, kind.trainedParameters)));
    return shares;
  }

  private static ModuleShare one(Site site, long trained) {
    String name = site.name().substring(site.name().lastIndexOf('.') + 1);
    return switch (site) {
      case Site.Linear l -> new ModuleShare(name, l.out() + " x " + l.in(), 1, l.in() * l.out(), trained);
      case Site.Embedding e ->
        new ModuleShare(name, e.vocabulary() + " x " + e.dim(), 1, e.vocabulary() * e.dim(), trained);
      case Site.Attention a -> new ModuleShare(name, a.kvHeads() + " heads of " + a.headDim(), 1, 0, trained);
      case Site.Input i -> new ModuleShare(name, "input of " + i.dim(), 1, 0, trained);
    };
  }

  /** Returns the share of one module's weight that learns; 0 if it has none. */
  public double share() {
    return baseParameters == 0 ? 0 : (double) trainedParameters / baseParameters;
  }
}
