package dev.graft.tools.quantize;

import dev.graft.core.weights.BaseModel;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.MappedPages;
import dev.graft.formats.Matrices;
import dev.graft.formats.ModelFolderWriter;
import dev.graft.formats.TensorProgress;
import dev.graft.formats.TensorSource;
import dev.graft.formats.TensorSpool;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import dev.graft.spi.Configuration;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import dev.graft.spi.Site;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Writes a model folder anew with the weights of its linear layers in few bits. Embeddings, norms, biases and
 * the head stay as they are.
 *
 * <p>
 * Weights are encoded one after the other and wait in a file, so that no more than the largest one is held in
 * memory. The new folder appears when it is whole.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Quantization {
  private final LoadedModel model;
  private final Quantizer quantizer;
  private final Map<String, ?> options;

  /**
   * Prepares to quantise a model.
   *
   * @param options settings of the quantizer, such as {@code block_size}
   */
  public Quantization(LoadedModel model, Quantizer quantizer, Map<String, ?> options) {
    this.model = model;
    this.quantizer = quantizer;
    this.options = Map.copyOf(options);
  }

  /**
   * Quantises and writes the new folder: weights in shards, {@code config.json} with its
   * {@code quantization_config}, and copies of all other files.
   *
   * @throws GraftException if an option is faulty, the model is quantised already or has no linear layers, a
   *   weight is NaN or infinite, or the output cannot be written; the output is unchanged then
   */
  public QuantizeReport write(Path output, ModelFolderWriter writer, TensorProgress progress) {
    writer.check(output, List.of(model.folder().path()));
    Map<String, Site.Linear> weights = weights();
    TensorSource checkpoint = model.base().checkpoint();
    Map<String, @Nullable Object> config = new LinkedHashMap<>(model.folder().config());
    config.put("quantization_config",
        quantizer.modelConfig(settings(), checkpoint.signature(weights.keySet().iterator().next()).dtype()));
    if (model.base().isUntied()) {
      config.put("tie_word_embeddings", false);
    }
    TensorSource kept = checkpoint.without(weights.keySet());
    long elements = weights.keySet().stream().mapToLong(w -> checkpoint.signature(w).shape().size()).sum();
    long before = bytes(checkpoint, weights.keySet());
    try (TensorSpool spool = TensorSpool.beside(output)) {
      Steps steps = new Steps(progress, before + bytes(kept) + elements / 2);
      weights.forEach((weight, layer) -> steps.run(weight, bytes(checkpoint.signature(weight)),
          () -> encode(layer, checkpoint.tensor(weight), spool)));
      TensorSource all = kept.and(spool);
      steps.left(bytes(all));
      model.folder().verifyUnchanged();
      writer.write(output, config, all.observed(name -> steps.run(name, bytes(all.signature(name)), () -> {
      })), model.folder().otherFiles());
      return new QuantizeReport(weights.size(), elements, before, bytes(spool), bytes(all));
    }
  }

  private Configuration settings() {
    return new Configuration("The settings of the code " + quantizer.id(), options);
  }

  /** Returns the weights of all linear layers but the head. */
  private Map<String, Site.Linear> weights() {
    BaseModel base = model.base();
    if (!base.quantized().isEmpty()) {
      throw new GraftException(model.folder().path() + " is quantised already (" + base.quantized().size()
          + " weights): quantise the model that it was made from");
    }
    Map<String, Site.Linear> weights = new LinkedHashMap<>();
    for (Site site : base.outline().sites()) {
      if (site instanceof Site.Linear linear && !linear.head()) {
        weights.put(linear.name() + ".weight", linear);
      }
    }
    if (weights.isEmpty()) {
      throw new GraftException(
          model.folder().path() + " has no linear layer whose weight could be quantised");
    }
    return weights;
  }

  private void encode(Site.Linear layer, HostTensor weight, TensorSpool spool) {
    // Other tools make a linear layer of a Conv1D before they quantise it.
    HostTensor value = layer.transposed() ? Matrices.transpose(weight) : weight;
    try (Arena memory = Arena.ofShared()) {
      QuantizedTensor code = quantizer.encode(layer.name() + ".weight", value, settings(), memory);
      code.stored().forEach(spool::add);
    }
    MappedPages.release(weight);
  }

  private static long bytes(TensorSource tensors) {
    return bytes(tensors, tensors.names());
  }

  private static long bytes(TensorSource tensors, Set<String> names) {
    return names.stream().mapToLong(name -> bytes(tensors.signature(name))).sum();
  }

  private static long bytes(Signature signature) {
    return signature.shape().size() * signature.dtype().bytes();
  }

  /** Counts the bytes that are behind. */
  private static final class Steps {
    private final TensorProgress progress;
    private long total;
    private long done;

    Steps(TensorProgress progress, long total) {
      this.progress = progress;
      this.total = total;
    }

    void run(String tensor, long bytes, Runnable action) {
      progress.report(tensor, done, total);
      action.run();
      done += bytes;
    }

    /** Corrects what was a guess so far. */
    void left(long bytes) {
      total = done + bytes;
    }
  }
}
