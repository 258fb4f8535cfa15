package dev.graft.core.graphs;

import dev.graft.compiler.autodiff.CheckpointedBlock;
import dev.graft.compiler.pass.MergeLinears;
import dev.graft.compiler.pass.Passes;
import dev.graft.core.attach.Attachment;
import dev.graft.core.batch.BatchLayout;
import dev.graft.core.batch.InputNames;
import dev.graft.core.batch.Packing;
import dev.graft.core.batch.SequenceLayout;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.CrossEntropy;
import dev.graft.spi.InputAdapter;
import dev.graft.spi.Preferences;
import dev.graft.spi.Site;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.apiguardian.api.API;

/** Builds the graphs that a model and its adapters are run by. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class ModelGraphs {
  /** Name of the output that holds logits. */
  public static final String LOGITS = "logits";
  /** Name of the output that holds the loss. */
  public static final String LOSS = "loss";

  /** What keeps a matrix product busy. */
  private static final long FEWEST_LOSS_ROWS = 128;
  /** Share of positions with a label up to which picking them early saves more than the copies cost. */
  private static final double FEW_LABELS = 0.9;

  private final BaseModel base;
  private final GraphOptions options;
  private final Preferences preferences;

  /** Prepares to build graphs of a model, cut as suits a processor. */
  public ModelGraphs(BaseModel base, GraphOptions options) {
    this(base, options, Preferences.CPU);
  }

  /**
   * Prepares to build graphs of a model.
   *
   * @param preferences of the backend that is to run them
   */
  public ModelGraphs(BaseModel base, GraphOptions options, Preferences preferences) {
    this.base = base;
    this.options = options;
    this.preferences = preferences;
  }

  /**
   * Returns how many of an adapter's virtual tokens enter the first layer; the others are keys and values
   * alone.
   */
  public static int inputTokens(RowGroup group) {
    return group.attachment().map(ModelGraphs::inputTokens).orElse(0);
  }

  private static int inputTokens(Attachment attachment) {
    return attachment.sites().stream().anyMatch(Site.Input.class::isInstance)
        ? attachment.virtualTokens()
        : 0;
  }

  /**
   * Builds logits for every position that enters the first layer: output {@link #LOGITS} [rows, length,
   * vocabulary].
   *
   * @param masked whether {@link InputNames#ATTENTION_MASK} is fed; without it padding must stand at the end
   */
  public Graph logits(List<RowGroup> groups, long length, boolean masked) {
    long rows = groups.getLast().to();
    Built built = build(groups, length, SequenceLayout.whole(rows, length, virtualTokens(groups), masked),
        Optional.empty());
    Tensor flat = built.hidden.reshape(rows * built.hidden.dim(1), built.hidden.dim(2));
    Tensor logits = base.model().logits(built.layers, flat);
    Map<String, Tensor> outputs = Map.of(LOGITS,
        logits.reshape(rows, built.hidden.dim(1), logits.dim(1)).cast(logits.dtype().accumulator()));
    return Passes.standard().apply(Graph.of("logits", outputs, List.of()));
  }

  /** Holds a loss whose gradients are still to be taken, and the variables that learn. */
  public record LossGraph(Tensor loss, Map<String, Tensor> trainable, List<CheckpointedBlock> blocks) {
    /** Returns the same loss with thin products of one activation merged, see {@link MergeLinears}. */
    public LossGraph merged() {
      Map<String, Tensor> roots = new LinkedHashMap<>();
      roots.put(LOSS, loss);
      for (int i = 0; i < blocks.size(); i++) {
        roots.put("block " + i, blocks.get(i).output());
        roots.put("into block " + i, blocks.get(i).inputs().getFirst());
      }
      Map<String, Tensor> merged = Passes.beforeDifferentiation()
          .apply(Graph.of("forward", roots, List.of())).outputs();
      List<CheckpointedBlock> found = new ArrayList<>();
      for (int i = 0; i < blocks.size(); i++) {
        found.add(CheckpointedBlock.between(root(merged, "into block " + i), root(merged, "block " + i)));
      }
      return new LossGraph(root(merged, LOSS), trainable, found);
    }

    private static Tensor root(Map<String, Tensor> roots, String name) {
      return Objects.requireNonNull(roots.get(name), name);
    }
  }

  /** Builds the weighted sum of the losses of the positions that have a label. */
  public LossGraph loss(RowGroup group, BatchLayout layout) {
    return loss(group, layout, false);
  }

  /** Builds the same sum, with the term that the method adds to the loss of a step. */
  public LossGraph penalizedLoss(RowGroup group, BatchLayout layout) {
    return loss(group, layout, true);
  }

  private LossGraph loss(RowGroup group, BatchLayout layout, boolean penalized) {
    List<RowGroup> groups = List.of(group);
    SequenceLayout sequence = SequenceLayout.whole(layout.rows(), layout.length(), virtualTokens(groups),
        layout.masked());
    Built built = build(groups, layout.length(), sequence, layout.packing(inputTokens(group)));
    Tensor at = Tensor.input(InputNames.LABEL_ROWS, DType.I64, layout.labels());
    ChosenRows chosen = layout.labels() <= FEW_LABELS * ChosenRows.positions(built.hidden)
        ? ChosenRows.early(built.hidden, at)
        : ChosenRows.late(built.hidden, at);
    Tensor rows = chosen.of(built.hidden).reshape(layout.labels(), built.hidden.dim(2));
    Tensor loss = loss(built.layers, rows, Tensor.input(InputNames.LABELS, DType.I64, layout.labels()),
        Tensor.input(InputNames.LABEL_WEIGHTS, rows.dtype().accumulator(), layout.labels()));
    if (penalized) {
      loss = penalty(built.layers, group).map(loss::plus).orElse(loss);
    }
    Map<String, Tensor> trainable = new LinkedHashMap<>();
    group.attachment().ifPresent(attachment -> attachment.trainable()
        .forEach(tensor -> trainable.put(tensor.key(), built.layers.variable(group.adapter(), tensor))));
    List<CheckpointedBlock> blocks = built.layers.blocks().stream()
        .map(block -> chosen.suffice(block.output())
            ? new CheckpointedBlock(block.inputs(), chosen.of(block.output()))
            : block)
        .toList();
    return new LossGraph(loss, trainable, blocks);
  }

  private Optional<Tensor> penalty(GraphLayers layers, RowGroup group) {
    return group.attachment().flatMap(attachment -> attachment
        .penalty(new AttachedParams(attachment, tensor -> layers.variable(group.adapter(), tensor),
            options.computeType()))
        .map(term -> {
          if (term.shape().size() != 1) {
            throw new GraftException("Method " + attachment.method().id() + " adds " + term.shape()
                + " to the loss, which must be one number");
          }
          return term.reshape(Shape.of()).cast(options.parameterType());
        }));
  }

  /**
   * Adds up the losses of a few rows at a time, so that the logits of all, by far the largest values of a
   * step, are never there at once: each part is done with before the next begins.
   */
  private Tensor loss(GraphLayers layers, Tensor rows, Tensor labels, Tensor weights) {
    long count = rows.dim(0);
    long part = Math.max(FEWEST_LOSS_ROWS, preferences.logitsAtOnce() / base.model().vocabulary());
    List<Tensor> losses = new ArrayList<>();
    for (long from = 0; from < count; from += part) {
      long to = Math.min(from + part, count);
      losses.add(CrossEntropy.of(base.model().logits(layers, rows.slice(0, from, to)),
          labels.slice(0, from, to), weights.slice(0, from, to)));
    }
    return losses.stream().reduce(Tensor::plus).orElseThrow();
  }

  /** Builds the run over prompts: output {@link #LOGITS} [rows, vocabulary] of the last position. */
  public Graph prompt(List<RowGroup> groups, long length, long cacheLength) {
    long rows = groups.getLast().to();
    return decode("prompt", groups, length,
        SequenceLayout.prompt(rows, length, virtualTokens(groups), cacheLength));
  }

  /** Builds the run over one more token a row: output {@link #LOGITS} [rows, vocabulary]. */
  public Graph next(List<RowGroup> groups, long cacheLength) {
    long rows = groups.getLast().to();
    return decode("next token", groups, 1, SequenceLayout.next(rows, virtualTokens(groups), cacheLength));
  }

  private Graph decode(String name, List<RowGroup> groups, long length, SequenceLayout sequence) {
    Built built = build(groups, length, sequence, Optional.empty());
    long last = built.hidden.dim(1);
    Tensor rows = built.hidden.slice(1, last - 1, last).reshape(sequence.rows(), built.hidden.dim(2));
    Tensor logits = base.model().logits(built.layers, rows);
    return Passes.standard().apply(Graph.of(name, Map.of(LOGITS, logits.cast(logits.dtype().accumulator())),
        built.layers.cacheUpdates()));
  }

  private record Built(GraphLayers layers, Tensor hidden) {}

  /** Builds the hidden states [rows, entering, hidden], or [tokens, 1, hidden] if tokens are packed. */
  private Built build(List<RowGroup> groups, long length, SequenceLayout sequence,
      Optional<Packing> packing) {
    if (groups.size() > 1 && groups.stream().anyMatch(group -> group.virtualTokens() > 0)) {
      throw new GraftException("Adapters that add virtual tokens cannot share a batch with others: run their"
          + " rows by themselves");
    }
    GraphLayers layers = new GraphLayers(base, options, groups, sequence, packing);
    long before = sequence.continuing() ? 0 : inputTokens(groups.getFirst());
    Tensor ids = packing.map(all -> Tensor.input(InputNames.IDS, DType.I64, all.tokens(), 1))
        .orElseGet(() -> Tensor.input(InputNames.IDS, DType.I64, sequence.rows(), length));
    Tensor positions = packing.map(all -> Tensor.input(InputNames.POSITIONS, DType.I64, all.tokens(), 1))
        .orElseGet(() -> Tensor.input(InputNames.POSITIONS, DType.I64, sequence.rows(), before + length));
    return new Built(layers, base.model().hidden(layers, ids, positions));
  }

  private static int virtualTokens(List<RowGroup> groups) {
    return groups.getFirst().virtualTokens();
  }

  /** Returns a layer builder without a sequence, for formulas over weights alone. */
  static GraphLayers weightsOnly(BaseModel base, GraphOptions options, RowGroup group) {
    return new GraphLayers(base, options, List.of(group), SequenceLayout.whole(1, 1, 0, false),
        Optional.empty());
  }
}
