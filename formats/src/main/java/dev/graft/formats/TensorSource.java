package dev.graft.formats;

import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apiguardian.api.API;

/** Hands out named tensors one at a time, so that nobody has to hold them all. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface TensorSource {
  /** Returns the names of all tensors. */
  Set<String> names();

  /**
   * Returns a tensor's type and shape without touching its values.
   *
   * @throws GraftException if there is no tensor of this name
   */
  Signature signature(String name);

  /**
   * Returns a tensor.
   *
   * @throws GraftException if there is no tensor of this name
   */
  HostTensor tensor(String name);

  /** Returns this source without some of its tensors. */
  default TensorSource without(Set<String> names) {
    Map<String, Signature> left = new LinkedHashMap<>();
    names().stream().filter(name -> !names.contains(name))
        .forEach(name -> left.put(name, signature(name)));
    return of(left, this::tensor);
  }

  /**
   * Returns this source's tensors, then another's.
   *
   * @throws GraftException if both have a tensor of one name
   */
  default TensorSource and(TensorSource more) {
    Map<String, Signature> all = new LinkedHashMap<>();
    names().forEach(name -> all.put(name, signature(name)));
    for (String name : more.names()) {
      if (all.put(name, more.signature(name)) != null) {
        throw new GraftException("There are two tensors of the name " + name);
      }
    }
    Set<String> first = names();
    return of(all, name -> first.contains(name) ? tensor(name) : more.tensor(name));
  }

  /** Returns this source; the action runs whenever a tensor is asked for. */
  default TensorSource observed(Consumer<String> action) {
    Map<String, Signature> all = new LinkedHashMap<>();
    names().forEach(name -> all.put(name, signature(name)));
    return of(all, name -> {
      action.accept(name);
      return tensor(name);
    });
  }

  /** Returns tensors that are in memory already. */
  static TensorSource of(Map<String, HostTensor> tensors) {
    Map<String, HostTensor> copy = new LinkedHashMap<>(tensors);
    Map<String, Signature> signatures = new LinkedHashMap<>();
    copy.forEach((name, tensor) -> signatures.put(name, new Signature(tensor.dtype(), tensor.shape())));
    return of(signatures, name -> {
      HostTensor tensor = copy.get(name);
      if (tensor == null) {
        throw new GraftException("The tensor " + name + " is missing");
      }
      return tensor;
    });
  }

  /** Returns tensors that are made when they are asked for, in the order of the map. */
  static TensorSource of(Map<String, Signature> signatures, Function<String, HostTensor> maker) {
    Map<String, Signature> copy = Collections.unmodifiableMap(new LinkedHashMap<>(signatures));
    return new TensorSource() {
      @Override
      public Set<String> names() {
        return copy.keySet();
      }

      @Override
      public Signature signature(String name) {
        Signature signature = copy.get(name);
        if (signature == null) {
          throw new GraftException("The tensor " + name + " is missing");
        }
        return signature;
      }

      @Override
      public HostTensor tensor(String name) {
        signature(name);
        return maker.apply(name);
      }
    };
  }
}
