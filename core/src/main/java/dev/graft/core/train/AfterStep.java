package dev.graft.core.train;

import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.AttachedParams;
import dev.graft.core.graphs.RowGroup;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Tensor;
import dev.graft.spi.AdapterParams;
import dev.graft.spi.ParamUpdate;
import dev.graft.spi.Params;
import dev.graft.spi.Site;
import dev.graft.spi.StepParams;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Builds what a method does with parameters after the optimiser. */
final class AfterStep {
  private final Attachment attachment;
  private final String adapter;
  private final DType type;
  private final DType computeType;

  /**
   * Prepares to build.
   *
   * @param type in which parameters are held
   */
  AfterStep(RowGroup group, DType type, DType computeType) {
    this.attachment = group.attachment().orElseThrow();
    this.adapter = group.adapter();
    this.type = type;
    this.computeType = computeType;
  }

  /** Returns the frozen tensors that are changed. */
  Set<AdapterTensor> states() {
    Map<String, Tensor> placeholders = new LinkedHashMap<>();
    attachment.trainable().forEach(tensor -> placeholders.put(name(tensor), variable(tensor)));
    Set<String> changed = updates(placeholders, placeholders).keySet();
    Set<AdapterTensor> states = new LinkedHashSet<>();
    attachment.tensors().values().stream()
        .filter(tensor -> !tensor.trainable() && changed.contains(name(tensor))).forEach(states::add);
    return states;
  }

  /**
   * Returns the method's updates by the names of variables.
   *
   * @param made what the optimiser has made of each variable that learns
   * @param gradients by the names of variables
   * @throws GraftException if an update does not fit its parameter, or there are two of one
   */
  Map<String, Tensor> updates(Map<String, Tensor> made, Map<String, Tensor> gradients) {
    AttachedParams after = params(
        tensor -> Optional.ofNullable(made.get(name(tensor))).orElseGet(() -> variable(tensor)));
    AttachedParams before = params(this::variable);
    AttachedParams slopes = params(
        tensor -> Optional.ofNullable(gradients.get(name(tensor))).orElseThrow(() -> new GraftException(
            "Method " + attachment.method().id() + " asks for the gradient of " + tensor.key()
                + ", which does not learn")));
    Map<String, Tensor> updates = new LinkedHashMap<>();
    for (ParamUpdate update : attachment.afterStep(new Step(after, before, slopes))) {
      AdapterTensor tensor = tensor(update);
      String fault = !update.value().shape().equals(tensor.shape())
          ? " becomes " + update.value().shape() + " after a step, but is declared as " + tensor.shape()
          : !update.value().dtype().equals(type)
              ? " becomes " + update.value().dtype() + " after a step, but is held in " + type
              : updates.put(name(tensor), update.value()) != null ? " is updated twice in a step" : "";
      if (!fault.isEmpty()) {
        throw new GraftException("Method " + attachment.method().id() + ": " + tensor.key() + fault);
      }
    }
    return updates;
  }

  private AttachedParams params(Function<AdapterTensor, Tensor> values) {
    return new AttachedParams(attachment, values, computeType);
  }

  private AdapterTensor tensor(ParamUpdate update) {
    String site = update.site().map(Site::name).orElse("");
    String key = update.site()
        .flatMap(place -> attachment.adapter(place)
            .flatMap(adapterThere -> Attachment.ownKey(place, adapterThere, update.name())))
        .or(() -> attachment.sharedKey(update.name()))
        .orElseThrow(() -> attachment.undeclared(update.name(), site));
    return Objects.requireNonNull(attachment.tensors().get(key));
  }

  private String name(AdapterTensor tensor) {
    return AdapterWeights.variable(adapter, tensor.key());
  }

  private Tensor variable(AdapterTensor tensor) {
    return Tensor.variable(name(tensor), type, tensor.shape());
  }

  private record Step(AttachedParams after, AdapterParams before,
      AdapterParams gradients) implements StepParams {
    @Override
    public List<Site> sites() {
      return after.sites();
    }

    @Override
    public Params at(Site site) {
      return after.at(site);
    }

    @Override
    public Params shared() {
      return after.shared();
    }
  }
}
