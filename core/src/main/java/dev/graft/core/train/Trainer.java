package dev.graft.core.train;

import dev.graft.core.BatchSource;
import dev.graft.core.DivergedException;
import dev.graft.core.StepReport;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingListener;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.batch.BatchLayout;
import dev.graft.core.batch.InputNames;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.formats.Checkpoint;
import dev.graft.formats.Checkpoints;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.spi.Preferences;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Trains an adapter. The session holds the base model and the adapter's tensors; the trainer adds the
 * optimiser's. A step that fails, for whatever reason, leaves no trace: the next begins from where the last
 * successful one ended.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Trainer implements AutoCloseable {
  /** After so many steps a tensor whose gradients were all 0 is worth a notice. */
  private static final int NOTICE_STEPS = 3;
  private static final String BATCHES = "batches";

  private final Session session;
  private final Attachment attachment;
  private final String adapter;
  private final TrainingOptions options;
  private final StepGraphs graphs;
  private final Map<Key, Compiled> programs = new HashMap<>();
  private final boolean[] learned;
  /** What steps change: tensors that learn, and frozen ones that the method updates itself. */
  private final List<AdapterTensor> changing;
  private final int inputTokens;
  private final long maxPositions;
  private final Preferences preferences;
  private boolean summing;
  private boolean sumsAreZero;
  private long done;
  /** Counts the batches of all steps done: dropout draws anew for each, whatever the size of a step. */
  private long batchesDone;

  private record Key(BatchLayout layout, StepGraphs.Role role) {}

  private record Compiled(Program program, Set<String> inputs) {}

  /**
   * Prepares training.
   *
   * @param session holds the variables of the base model in the compute type, and the adapter's
   * @param computeType type of activations and frozen weights
   * @throws GraftException if nothing of the adapter learns, or the loss does not depend on some tensor that
   * should
   */
  public Trainer(Session session, BaseModel base, Attachment attachment, String adapter,
      DType computeType, TrainingOptions options) {
    this(session, base, attachment, adapter, computeType, options, Preferences.CPU);
  }

  /**
   * Prepares training.
   *
   * @param session holds the variables of the base model in the compute type, and the adapter's
   * @param computeType type of activations and frozen weights
   * @param preferences of the session's backend
   * @throws GraftException if nothing of the adapter learns
   */
  public Trainer(Session session, BaseModel base, Attachment attachment, String adapter,
      DType computeType, TrainingOptions options, Preferences preferences) {
    this.session = session;
    this.attachment = attachment;
    this.adapter = adapter;
    this.options = options;
    this.graphs = new StepGraphs(new ModelGraphs(base,
        new GraphOptions(computeType, true, options.gradientCheckpointing(), options.seed()), preferences),
        computeType, options);
    this.preferences = preferences;
    this.learned = new boolean[attachment.trainable().size()];
    this.maxPositions = base.model().maxPositions();
    this.inputTokens = ModelGraphs.inputTokens(RowGroup.all(adapter, attachment, 1));
    if (learned.length == 0) {
      throw new GraftException("Nothing to train: the adapter has no trainable tensor");
    }
    graphs.requirePaths(RowGroup.all(adapter, attachment, 1));
    this.changing = new ArrayList<>(attachment.trainable());
    changing.addAll(graphs.states(RowGroup.all(adapter, attachment, 1)));
    clearMoments();
  }

  private void clearMoments() {
    for (AdapterTensor tensor : attachment.trainable()) {
      String variable = AdapterWeights.variable(adapter, tensor.key());
      session.allocate(StepGraphs.moment1(variable), graphs.type(), tensor.shape());
      session.allocate(StepGraphs.moment2(variable), graphs.type(), tensor.shape());
    }
  }

  /** Returns how many steps are done. */
  public long step() {
    return done;
  }

  /**
   * Trains up to the last step.
   *
   * @throws DivergedException if the loss or a gradient is not finite
   */
  public void run(BatchSource batches, TrainingListener listener) {
    try (BatchesAhead ahead = new BatchesAhead(batches, options.steps())) {
      while (done < options.steps()) {
        StepReport report = step(ahead);
        notice().ifPresent(listener::noticed);
        listener.stepDone(report);
      }
    }
  }

  /**
   * Does one step.
   *
   * @throws DivergedException if the loss or a gradient is not finite; the step has changed nothing then
   * @throws GraftException if the step's batches hold no label
   */
  public StepReport step(BatchSource source) {
    long start = System.nanoTime();
    long step = done + 1;
    List<TokenBatch> batches = source.step(done);
    int labels = batches.stream().mapToInt(b -> b.labelCount(inputTokens)).sum();
    if (labels == 0) {
      throw new GraftException("Step " + step + " has no label to learn from: every token of its batches is"
          + " part of a prompt or padding. Check the data set's completion field and the maximum length");
    }
    if (batches.size() > 1) {
      clearSums();
    }
    double rate = options.learningRate() * options.schedule().factor(step, options.warmup(), options.steps());
    long tokens = 0;
    long planned = 0;
    Map<String, HostTensor> last = Map.of();
    for (int i = 0; i < batches.size(); i++) {
      TokenBatch batch = batches.get(i);
      StepGraphs.Role role = batches.size() == 1
          ? StepGraphs.Role.WHOLE
          : i < batches.size() - 1 ? StepGraphs.Role.ADDS : StepGraphs.Role.ENDS;
      BatchLayout layout = BatchLayout.of(batch, inputTokens, maxPositions, preferences);
      Compiled compiled = compiled(new Key(layout, role));
      Map<String, HostTensor> feeds = layout.feeds(batch, inputTokens,
          attachment.virtualTokens() - inputTokens, 1.0 / labels, graphs.type());
      feeds.put(InputNames.STEP, HostTensor.ofLongs(Shape.of(), batchesDone + i + 1));
      feeds.put(StepGraphs.RATE, scalar(rate));
      feeds.put(StepGraphs.CORRECTION1, scalar(1 - Math.pow(options.beta1(), step)));
      feeds.put(StepGraphs.CORRECTION2, scalar(1 - Math.pow(options.beta2(), step)));
      feeds.put(StepGraphs.DECAY, scalar(1 - rate * options.weightDecay()));
      feeds.keySet().retainAll(compiled.inputs());
      sumsAreZero &= role == StepGraphs.Role.WHOLE;
      last = compiled.program().run(feeds);
      planned = Math.max(planned, compiled.program().plannedBytes());
      tokens += batch.tokenCount();
    }
    sumsAreZero |= batches.size() > 1;
    double loss = value(last, ModelGraphs.LOSS).item();
    double norm = value(last, StepGraphs.NORM).item();
    if (!Double.isFinite(loss) || !Double.isFinite(norm)) {
      throw diverged(step, "the loss is " + loss + " and the gradients' norm " + norm);
    }
    done = step;
    batchesDone += batches.size();
    HostTensor squares = value(last, StepGraphs.SQUARES);
    for (int i = 0; i < learned.length; i++) {
      learned[i] |= squares.at(i) > 0;
    }
    return new StepReport(step, options.steps(), loss, norm, rate, tokens,
        (System.nanoTime() - start) / 1e9, planned);
  }

  private DivergedException diverged(long step, String what) {
    return new DivergedException(
        "Step " + step + ": " + what + ", so the step was not done, and the adapter is as"
            + " it was before. Lower the learning rate (now " + options.learningRate()
            + "), or lengthen the warm-up",
        step);
  }

  /** Sets the sums of gradients to zero, unless the last step has done so; one that failed has not. */
  private void clearSums() {
    if (!summing || !sumsAreZero) {
      session.allocate(StepGraphs.LOSS_SUM, graphs.type(), Shape.of());
      attachment.trainable().forEach(tensor -> session.allocate(
          StepGraphs.sum(AdapterWeights.variable(adapter, tensor.key())), graphs.type(), tensor.shape()));
      summing = true;
      sumsAreZero = true;
    }
  }

  /** Returns the trainable tensors whose gradients have been 0 in every step so far. */
  public List<String> idle() {
    List<String> idle = new ArrayList<>();
    for (int i = 0; i < learned.length; i++) {
      if (!learned[i]) {
        idle.add(attachment.trainable().get(i).key());
      }
    }
    return idle;
  }

  /**
   * Returns what is worth knowing after the step that was just done. A gradient of 0 may be right, as that of a
   * token that no batch has held yet, or a sign that a setting is wrong.
   */
  public Optional<String> notice() {
    // A factor that starts at zero hides its partner's gradient until a step before this one has had a rate.
    boolean moved = options.schedule().factor(done - 1, options.warmup(), options.steps()) > 0;
    List<String> idle = idle();
    boolean due = done == NOTICE_STEPS || done == options.steps() && done > 1 && done < NOTICE_STEPS;
    if (!due || !moved || idle.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of("After " + done + " steps the gradients of " + idle.size() + " of " + learned.length
        + " trainable tensors have all been 0, so these have not learned: " + StepGraphs.firstOf(idle));
  }

  private static HostTensor value(Map<String, HostTensor> outputs, String name) {
    return Objects.requireNonNull(outputs.get(name), name);
  }

  private HostTensor scalar(double value) {
    return HostTensor.scalar(graphs.type(), value);
  }

  private Compiled compiled(Key key) {
    return programs.computeIfAbsent(key, k -> {
      Graph graph = graphs.build(RowGroup.all(adapter, attachment, k.layout().rows()), k.layout(), k.role());
      return new Compiled(session.compile(graph), graph.inputs().keySet());
    });
  }

  /**
   * Saves all that resuming needs.
   *
   * @throws GraftException if the disk refuses, or a value is not finite
   */
  public void save(Checkpoints checkpoints, Map<String, ?> state) {
    checkpoints.save(done, tensors(), all(state));
  }

  /**
   * Saves all that resuming needs, and leaves every earlier checkpoint where it is.
   *
   * @throws GraftException if the disk refuses, or a value is not finite
   */
  public void add(Checkpoints checkpoints, Map<String, ?> state) {
    checkpoints.add(done, tensors(), all(state));
  }

  private TensorSource tensors() {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    stateVariables().keySet().forEach(name -> tensors.put(name, session.download(name)));
    return TensorSource.of(tensors);
  }

  private Map<String, Object> all(Map<String, ?> state) {
    Map<String, Object> all = new LinkedHashMap<>(state);
    all.put(BATCHES, batchesDone);
    return all;
  }

  /**
   * Goes on from a checkpoint.
   *
   * @throws GraftException if it belongs to another adapter; nothing has changed then
   */
  public void resume(Checkpoint checkpoint) {
    if (!(checkpoint.state().get(BATCHES) instanceof Long batches)) {
      throw new GraftException(
          "Checkpoint " + checkpoint.path() + " does not tell how many batches were trained"
              + " on: another version of Graft wrote it. Resume with that one");
    }
    Map<String, Signature> expected = stateVariables();
    expected.forEach((name, signature) -> {
      if (!checkpoint.names().contains(name) || !checkpoint.signature(name).equals(signature)) {
        throw new GraftException("Checkpoint " + checkpoint.path() + " lacks " + name + " as " + signature
            + ": it belongs to another adapter configuration");
      }
    });
    expected.keySet().forEach(name -> {
      // A copy, since the file is closed while the session goes on.
      HostTensor stored = checkpoint.tensor(name);
      HostTensor copy = HostTensor.zeros(stored.dtype(), stored.shape());
      copy.segment().copyFrom(stored.segment());
      session.upload(name, copy);
    });
    done = checkpoint.step();
    batchesDone = batches;
  }

  /** Returns copies of the parameters that steps change, by the names of their variables. */
  public Map<String, HostTensor> parameters() {
    Map<String, HostTensor> parameters = new LinkedHashMap<>();
    for (AdapterTensor tensor : changing) {
      String variable = AdapterWeights.variable(adapter, tensor.key());
      parameters.put(variable, session.download(variable));
    }
    return parameters;
  }

  /** Begins at the first step again, with parameters that {@link #parameters} has returned. */
  public void restart(Map<String, HostTensor> parameters) {
    parameters.forEach(session::upload);
    clearMoments();
    done = 0;
    batchesDone = 0;
  }

  private Map<String, Signature> stateVariables() {
    Map<String, Signature> variables = new LinkedHashMap<>();
    for (AdapterTensor tensor : changing) {
      String variable = AdapterWeights.variable(adapter, tensor.key());
      Signature signature = new Signature(graphs.type(), tensor.shape());
      variables.put(variable, signature);
      if (tensor.trainable()) {
        variables.put(StepGraphs.moment1(variable), signature);
        variables.put(StepGraphs.moment2(variable), signature);
      }
    }
    return variables;
  }

  /** Frees the programs and the optimiser's variables. */
  @Override
  public void close() {
    programs.values().forEach(compiled -> compiled.program().close());
    programs.clear();
    session.release(StepGraphs.LOSS_SUM);
    for (AdapterTensor tensor : attachment.trainable()) {
      String variable = AdapterWeights.variable(adapter, tensor.key());
      session.release(StepGraphs.moment1(variable));
      session.release(StepGraphs.moment2(variable));
      session.release(StepGraphs.sum(variable));
    }
  }
}
