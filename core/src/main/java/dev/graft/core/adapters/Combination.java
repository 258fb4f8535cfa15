package dev.graft.core.adapters;

import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.Attachment;
import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.PeftMethod;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Lets a method make one adapter of several, and brings its tensors in and out of their files' form. */
final class Combination {
  private Combination() {
  }

  /**
   * An adapter that takes part.
   *
   * @param name shown in errors
   * @param weight what it counts
   * @param attachment how it acts
   * @param values by key
   */
  record Part(String name, double weight, Attachment attachment, Map<String, HostTensor> values) {}

  /**
   * The adapter that was made.
   *
   * @param attachment how it acts
   * @param values by key
   */
  record Result(Attachment attachment, Map<String, HostTensor> values) {}

  static Result of(String way, List<Part> parts, Configuration options, ModelOutline outline) {
    if (parts.isEmpty()) {
      throw new GraftException("Name the adapters that are to be combined");
    }
    PeftMethod<?> method = parts.getFirst().attachment().method();
    for (Part part : parts) {
      if (!part.attachment().method().id().equals(method.id())) {
        throw new GraftException("Adapters of one method can be combined, but \"" + parts.getFirst().name()
            + "\" is of " + method.id() + " and \"" + part.name() + "\" of "
            + part.attachment().method().id());
      }
      for (AdapterTensor tensor : part.attachment().tensors().values()) {
        if (tensor.baseParameter().isPresent() && tensor.trainable()) {
          throw new GraftException(
              "Adapter \"" + part.name() + "\" cannot be combined with others: it has values"
                  + " of its own for the base model's " + tensor.baseParameter().get());
        }
      }
      if (!Double.isFinite(part.weight())) {
        throw new GraftException("Adapter \"" + part.name() + "\" cannot count " + part.weight());
      }
    }
    if (!method.combinations().contains(way)) {
      throw new GraftException("Method " + method.id() + " cannot combine adapters by \"" + way + "\". Ways: "
          + (method.combinations().isEmpty()
              ? "none"
              : String.join(", ", new TreeSet<>(method.combinations()))));
    }
    return combine(method, way, parts, options, outline);
  }

  private static <C> Result combine(PeftMethod<C> method, String way, List<Part> parts, Configuration options,
      ModelOutline outline) {
    List<PeftMethod.Part<C>> content = parts.stream().map(part -> {
      Configuration json = Configuration.stored("adapter " + part.name(), part.attachment().config(""));
      return new PeftMethod.Part<>(part.name(), part.weight(), method.resolved(method.read(json), outline),
          bySite(part));
    }).toList();
    PeftMethod.Combined<C> combined = method.combine(way, content, options);
    options.finish();
    Attachment attachment = new Attachment(method,
        Configuration.stored("the combined adapter", method.write(combined.configuration())), outline, false);
    Map<String, HostTensor> values = new LinkedHashMap<>();
    attachment.tensors().forEach((key, tensor) -> {
      HostTensor value = combined.tensors().getOrDefault(tensor.site(), Map.of()).get(name(tensor));
      if (value == null && !tensor.stored()) {
        value = tensor.unstoredValue();
      }
      if (value == null || !value.shape().equals(tensor.shape())) {
        throw new GraftException("Method " + method.id() + " combines to " + (value == null
            ? "no "
            : value.shape() + " instead of " + tensor.shape() + " for ") + key);
      }
      values.put(key, value);
    });
    return new Result(attachment, values);
  }

  private static Map<String, Map<String, HostTensor>> bySite(Part part) {
    Map<String, Map<String, HostTensor>> sites = new LinkedHashMap<>();
    part.attachment().tensors().forEach((key, tensor) -> {
      HostTensor value = part.values().get(key);
      if (value != null && tensor.baseParameter().isEmpty()) {
        sites.computeIfAbsent(tensor.site(), _ -> new LinkedHashMap<>()).put(name(tensor), value);
      }
    });
    return sites;
  }

  private static String name(AdapterTensor tensor) {
    return tensor.spec().map(ParamSpec::name).orElseThrow();
  }
}
