package dev.graft.core.model;

import dev.graft.core.files.TensorCasts;
import dev.graft.core.files.TensorSource;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.CausalModel;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import dev.graft.spi.Session;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apiguardian.api.API;

/** Holds a model and its frozen weights, dense or quantised as its checkpoint has them. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class BaseModel {
  private final CausalModel model;
  private final ModelOutline outline;
  private final TensorSource tensors;
  private final Map<String, QuantizedTensor> quantized = new LinkedHashMap<>();
  private final List<String> unused = new ArrayList<>();

  /**
   * Binds a model to a checkpoint.
   *
   * @param quantizers codes in which weights may be stored
   * @throws GraftException if a parameter is missing or has another shape; names each
   */
  public BaseModel(CausalModel model, TensorSource tensors, List<Quantizer> quantizers) {
    this.model = model;
    this.outline = OutlineLayers.of(model);
    this.tensors = tensors;
    Set<String> used = new HashSet<>();
    List<String> faults = new ArrayList<>();
    outline.parameters().forEach((name, shape) -> {
      Set<String> parts = readQuantized(name, quantizers);
      used.addAll(parts.isEmpty() ? Set.of(name) : parts);
      QuantizedTensor code = quantized.get(name);
      if (code == null && !tensors.names().contains(name)) {
        faults.add("tensor " + name + " " + shape + " is missing");
        return;
      }
      Shape found = code == null ? tensors.signature(name).shape() : code.shape();
      if (!found.equals(shape)) {
        faults.add("tensor " + name + " has shape " + found + ", but config.json asks for " + shape);
      } else if (code == null && !tensors.signature(name).dtype().isFloating()) {
        faults.add("tensor " + name + " is stored as " + tensors.signature(name).dtype()
            + ", which no installed quantizer reads: its quantization state is not recognised");
      }
    });
    if (!faults.isEmpty()) {
      throw new GraftException("The checkpoint does not fit its config.json: " + summary(faults));
    }
    tensors.names().stream().filter(name -> !used.contains(name)).forEach(unused::add);
  }

  private Set<String> readQuantized(String name, List<Quantizer> quantizers) {
    for (Quantizer quantizer : quantizers) {
      Set<String> parts = quantizer.parts(name, tensors.names());
      if (!parts.isEmpty()) {
        quantized.put(name, quantizer.read(name, tensors::tensor));
        return parts;
      }
    }
    return Set.of();
  }

  private static String summary(List<String> faults) {
    int shown = Math.min(5, faults.size());
    String more = faults.size() > shown ? "; and " + (faults.size() - shown) + " more" : "";
    return String.join("; ", faults.subList(0, shown)) + more;
  }

  /** Returns what a model is made of, whatever its weights. */
  public static ModelOutline outline(CausalModel model) {
    return OutlineLayers.of(model);
  }

  /** Returns the model's graph builder. */
  public CausalModel model() {
    return model;
  }

  /** Returns what the model is made of. */
  public ModelOutline outline() {
    return outline;
  }

  /** Returns the checkpoint's tensors that the model does not use. */
  public List<String> unused() {
    return List.copyOf(unused);
  }

  /** Returns the names of the parameters that are stored in a quantised code. */
  public Set<String> quantized() {
    return Set.copyOf(quantized.keySet());
  }

  /** Returns a parameter's values, decoded where they are quantised. */
  public HostTensor value(String name, DType type) {
    QuantizedTensor code = quantized.get(name);
    return code == null ? TensorCasts.cast(tensors.tensor(name), type) : code.decode(type);
  }

  /** Returns a parameter's values in the type in which the checkpoint has them. */
  public HostTensor stored(String name) {
    QuantizedTensor code = quantized.get(name);
    return code == null ? tensors.tensor(name) : code.decode(DType.F32);
  }

  /** Uploads every parameter: dense ones in the compute type, quantised ones as they are. */
  public void upload(Session session, DType compute) {
    for (String name : outline.parameters().keySet()) {
      QuantizedTensor code = quantized.get(name);
      if (code == null) {
        session.upload(name, TensorCasts.cast(tensors.tensor(name), compute));
      } else {
        code.resident().forEach((part, value) -> session.upload(partName(name, part), value));
      }
    }
  }

  /** Returns the bytes that the parameters take on the device, by name. */
  public Map<String, Long> residentBytes(DType compute) {
    Map<String, Long> bytes = new LinkedHashMap<>();
    outline.parameters().forEach((name, shape) -> {
      QuantizedTensor code = quantized.get(name);
      bytes.put(name, code == null
          ? shape.size() * compute.bytes()
          : code.resident().values().stream().mapToLong(HostTensor::bytes).sum());
    });
    return bytes;
  }

  /** Builds a read of a parameter in the compute type. */
  Tensor read(String name, Shape shape, DType compute) {
    QuantizedTensor code = quantized.get(name);
    if (code == null) {
      return Tensor.variable(name, compute, shape);
    }
    Map<String, Tensor> parts = new LinkedHashMap<>();
    code.resident().forEach((part, value) -> parts.put(part,
        Tensor.variable(partName(name, part), value.dtype(), value.shape())));
    return code.decode(parts, compute);
  }

  private static String partName(String parameter, String part) {
    return parameter + "#" + part;
  }
}
