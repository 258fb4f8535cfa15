package dev.graft.core.graphs;

import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.Attachment;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Tensor;
import dev.graft.spi.Adapter;
import dev.graft.spi.AdapterParams;
import dev.graft.spi.Params;
import dev.graft.spi.Site;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.apiguardian.api.API;

/**
 * Gives formulas over a whole adapter its tensors.
 *
 * @param values makes the node of a tensor, in the type in which adapters are held
 * @param computeType type of {@link Params#get}
 */
@API(status = API.Status.INTERNAL, since = "0.1")
public record AttachedParams(Attachment attachment, Function<AdapterTensor, Tensor> values,
    DType computeType) implements AdapterParams {
  @Override
  public List<Site> sites() {
    return attachment.sites();
  }

  @Override
  public Params at(Site site) {
    Adapter adapter = attachment.adapter(site)
        .orElseThrow(() -> new GraftException("The adapter does not act at " + site.name()));
    return new Place(site.name(), name -> attachment.key(site.name(), adapter, name));
  }

  @Override
  public Params shared() {
    return new Place("", attachment::sharedKey);
  }

  private final class Place implements Params {
    private final String site;
    private final Function<String, Optional<String>> keys;

    Place(String site, Function<String, Optional<String>> keys) {
      this.site = site;
      this.keys = keys;
    }

    @Override
    public Tensor get(String name) {
      return full(name).cast(computeType);
    }

    @Override
    public Tensor full(String name) {
      String key = keys.apply(name).orElseThrow(() -> attachment.undeclared(name, site));
      return values.apply(Objects.requireNonNull(attachment.tensors().get(key)));
    }

    @Override
    public Tensor dropout(Tensor x, double rate) {
      if (rate != 0) {
        throw new IllegalStateException("only what acts on the model's activations drops elements");
      }
      return x;
    }

    @Override
    public boolean training() {
      return true;
    }
  }
}
