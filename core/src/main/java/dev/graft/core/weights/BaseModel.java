package dev.graft.core.weights;

import dev.graft.core.attach.Uploads;
import dev.graft.error.GraftException;
import dev.graft.error.Listing;
import dev.graft.formats.ModelFolder;
import dev.graft.formats.NonFinite;
import dev.graft.formats.TensorCasts;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.CausalModel;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import dev.graft.spi.Session;
import dev.graft.spi.Site;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apiguardian.api.API;

/** Holds a model and its frozen weights, dense or quantised as its checkpoint has them. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class BaseModel {
  private static final int SHOWN_FAULTS = 5;

  private final CausalModel model;
  private final ModelOutline outline;
  private final TensorSource tensors;
  private final Map<String, QuantizedTensor> quantized = new LinkedHashMap<>();
  private final Map<String, Set<String>> parts = new LinkedHashMap<>();
  private final List<String> unused = new ArrayList<>();
  private final Optional<ModelFolder> folder;
  private final boolean untied;
  private final List<String> notes;

  /**
   * Binds a model to a checkpoint.
   *
   * @param checkpoint tensors of the whole model, or of one that was saved without its head
   * @param quantizers codes in which weights may be stored
   * @throws GraftException if a parameter is missing, has another shape or a code that nobody reads, or if
   * there are weights that the model should have had more layers or biases for; names each
   */
  public BaseModel(CausalModel model, TensorSource checkpoint, List<Quantizer> quantizers) {
    this.model = model;
    this.folder = checkpoint instanceof ModelFolder files ? Optional.of(files) : Optional.empty();
    ModelOutline asked = OutlineLayers.of(model);
    TiedWeights ties = TiedWeights.of(asked,
        PrefixlessNames.restore(checkpoint, asked.parameters().keySet()));
    this.outline = untied(asked, ties.untied());
    this.tensors = ties.tensors();
    this.untied = !ties.untied().isEmpty();
    this.notes = ties.notes();
    Set<String> convolutions = outline.sites().stream()
        .filter(site -> site instanceof Site.Linear linear && linear.transposed())
        .map(site -> site.name() + ".weight").collect(Collectors.toSet());
    List<String> faults = new ArrayList<>();
    outline.parameters().forEach((name, shape) -> {
      readQuantized(name, quantizers, convolutions.contains(name));
      QuantizedTensor code = quantized.get(name);
      if (code == null && !tensors.names().contains(name)) {
        faults.add("tensor " + name + " " + shape + " is missing" + whereItIs(name, checkpoint));
        return;
      }
      Shape found = code == null ? tensors.signature(name).shape() : code.shape();
      if (code == null && !tensors.signature(name).dtype().isFloating()) {
        faults.add(notDense(name, checkpoint, quantizers));
      } else if (!found.equals(shape)) {
        faults.add("tensor " + name + " has shape " + found + ", but config.json asks for " + shape);
      }
    });
    Set<String> used = new HashSet<>();
    outline.parameters().keySet().forEach(name -> used.addAll(storedNames(name)));
    tensors.names().stream().filter(name -> !used.contains(name)).forEach(unused::add);
    unused.stream().filter(new UnexpectedWeights(outline.parameters().keySet())::contains)
        .forEach(name -> faults.add("tensor " + name + " is unexpected: by config.json the model has no such"
            + " weight"));
    if (!faults.isEmpty()) {
      throw new GraftException(
          "The checkpoint does not fit its config.json: " + Listing.ofFirst(SHOWN_FAULTS, faults));
    }
  }

  private static String whereItIs(String name, TensorSource checkpoint) {
    return checkpoint instanceof ModelFolder folder && folder.unmappedTensors().contains(name)
        ? " from the index of the shards, though one of them holds it"
        : "";
  }

  private String notDense(String name, TensorSource checkpoint, List<Quantizer> quantizers) {
    String module = name.substring(0, name.lastIndexOf('.') + 1);
    List<String> beside = tensors.names().stream()
        .filter(other -> other.startsWith(module.isEmpty() ? name + "." : module) && !other.equals(name))
        .filter(other -> !outline.parameters().containsKey(other)).sorted().toList();
    return "tensor " + name + " is stored as " + tensors.signature(name).dtype()
        + ", which no installed quantizer reads (installed: "
        + (quantizers.isEmpty() ? "none" : String.join(", ", quantizers.stream().map(Quantizer::id).toList()))
        + "): its quantization state is not recognised. "
        + (beside.isEmpty() ? "No part of it lies beside it" : "Beside it lies " + String.join(", ", beside))
        + ". Add the jar of the quantizer that it was written by" + writtenBy(checkpoint)
        + ", as by --plugins DIR of the command";
  }

  private static String writtenBy(TensorSource checkpoint) {
    return checkpoint instanceof ModelFolder folder
        && folder.config().get("quantization_config") instanceof Map<?, ?> fields
        && fields.get("quant_method") instanceof String method
            ? ", whose \"quant_method\" is \"" + method + "\" by config.json"
            : "";
  }

  /** Puts the file that holds a tensor before a message that does not name it. */
  private GraftException naming(Collection<String> names, GraftException e) {
    String message = String.valueOf(e.getMessage());
    return names.stream().flatMap(name -> folder.flatMap(files -> files.fileOf(name)).stream()).findFirst()
        .filter(file -> !message.contains(file.toString()))
        .map(file -> new GraftException(file + ": " + message, e)).orElse(e);
  }

  private BaseModel(BaseModel original, Map<String, HostTensor> values) {
    this.model = original.model;
    this.outline = untied(original.outline, values.keySet());
    this.tensors = original.tensors.without(values.keySet()).and(TensorSource.of(values));
    this.quantized.putAll(original.quantized);
    this.parts.putAll(original.parts);
    this.unused.addAll(original.unused);
    this.folder = original.folder;
    this.untied = original.untied;
    this.notes = original.notes;
    quantized.keySet().removeAll(values.keySet());
    parts.keySet().removeAll(values.keySet());
  }

  /** Returns an outline in which some parameters are there by themselves, tied heads' weights too. */
  private static ModelOutline untied(ModelOutline outline, Set<String> parameters) {
    Map<String, Shape> shapes = new LinkedHashMap<>(outline.parameters());
    Map<String, String> tied = new LinkedHashMap<>(outline.tied());
    outline.tied().forEach((own, shared) -> {
      if (parameters.contains(own)) {
        shapes.put(own, Objects.requireNonNull(shapes.get(shared)));
        tied.remove(own);
      }
    });
    return new ModelOutline(outline.sites(), shapes, tied);
  }

  /** Returns this model with dense values in the place of some parameters; a tied head can get its own. */
  public BaseModel withValues(Map<String, HostTensor> values) {
    return new BaseModel(this, values);
  }

  private void readQuantized(String name, List<Quantizer> quantizers, boolean convolution) {
    for (Quantizer quantizer : quantizers) {
      Set<String> found = quantizer.parts(name, tensors.names());
      if (!found.isEmpty()) {
        QuantizedTensor code = read(quantizer, name, found);
        // Tools that quantise a Conv1D make a linear layer of it, whose weight is [out, in].
        quantized.put(name, convolution ? new TransposedCode(code) : code);
        parts.put(name, found);
        return;
      }
    }
  }

  private QuantizedTensor read(Quantizer quantizer, String name, Set<String> parts) {
    try {
      return quantizer.read(name, tensors::tensor);
    } catch (GraftException e) {
      throw naming(parts, e);
    }
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

  /** Returns the tensors of the checkpoint. */
  public TensorSource checkpoint() {
    return tensors;
  }

  /** Returns the checkpoint's tensors that the model does not use, and need not: masks, tables, other heads. */
  public List<String> unused() {
    return List.copyOf(unused);
  }

  /** Returns what its user should know: what config.json says and the checkpoint shows otherwise. */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /** Tells whether the checkpoint has a head of its own that config.json says to be tied. */
  public boolean isUntied() {
    return untied;
  }

  /** Returns the names of the parameters that are stored in a quantised code. */
  public Set<String> quantized() {
    return Set.copyOf(quantized.keySet());
  }

  /** Returns how a parameter is quantised; empty if it is dense. */
  public Optional<QuantizedTensor> code(String name) {
    return Optional.ofNullable(quantized.get(name));
  }

  /** Returns the names of the checkpoint's tensors that hold a parameter. */
  public Set<String> storedNames(String name) {
    return parts.getOrDefault(name, Set.of(name));
  }

  /** Returns a parameter's values, decoded where they are quantised; a tied head's are the embedding's. */
  public HostTensor value(String name, DType type) {
    String stored = outline.stored(name);
    QuantizedTensor code = quantized.get(stored);
    return code == null ? TensorCasts.cast(tensors.tensor(stored), type) : code.decode(type);
  }

  /** Returns the type of a parameter's values, before or after they were quantised. */
  public DType type(String name) {
    String stored = outline.stored(name);
    QuantizedTensor code = quantized.get(stored);
    return code == null ? tensors.signature(stored).dtype() : code.dtype();
  }

  /** Returns a parameter's values in the type in which the checkpoint has them. */
  public HostTensor stored(String name) {
    QuantizedTensor code = quantized.get(name);
    return code == null ? tensors.tensor(name) : code.decode(DType.F32);
  }

  /**
   * Uploads every parameter: dense ones in the compute type, quantised ones as they are.
   *
   * @throws GraftException if a dense one holds NaN or infinity
   */
  public void upload(Session session, DType compute) {
    upload(session, compute, outline.parameters().keySet());
  }

  /**
   * Uploads some parameters: dense ones in the compute type, quantised ones as they are.
   *
   * @throws GraftException if a dense one holds NaN or infinity
   */
  public void upload(Session session, DType compute, Collection<String> names) {
    for (String name : names) {
      QuantizedTensor code = quantized.get(name);
      if (code == null) {
        HostTensor dense = tensors.tensor(name);
        NonFinite.refuse(dense, "The tensor " + name + " of "
            + folder.flatMap(files -> files.fileOf(name)).map(Path::toString).orElse("the base model"));
        Uploads.cast(session, name, dense, compute);
      } else {
        code.resident().forEach((part, value) -> session.upload(partName(name, part), value));
      }
    }
  }

  /** Frees some parameters on the device. */
  public void release(Session session, Collection<String> names) {
    for (String name : names) {
      QuantizedTensor code = quantized.get(name);
      if (code == null) {
        session.release(name);
      } else {
        code.resident().keySet().forEach(part -> session.release(partName(name, part)));
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
  public Tensor read(String name, Shape shape, DType compute) {
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
