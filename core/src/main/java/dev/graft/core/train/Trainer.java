package dev.graft.core.train;

import dev.graft.core.BatchSource;
import dev.graft.core.StepReport;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingListener;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.batch.BatchLayout;
import dev.graft.core.batch.Feeds;
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
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Trains an adapter. The session holds the base model and the adapter's tensors; the trainer adds the
 * optimiser's.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Trainer implements AutoCloseable {
  private static final int PROOF_STEPS = 3;

  private final Session session;
  private final Attachment attachment;
  private final String adapter;
  private final TrainingOptions options;
  private final StepPrograms graphs;
  private final Map<Key, Compiled> programs = new HashMap<>();
  private final boolean[] learned;
  private final int inputTokens;
  private final long maxPositions;
  private boolean summing;
  private long done;

  private record Key(BatchLayout layout, StepPrograms.Role role) {}

  private record Compiled(Program program, Set<String> inputs) {}

  /**
   * Prepares training.
   *
   * @param session holds the variables of the base model in the compute type, and the adapter's
   * @throws GraftException if nothing of the adapter learns
   */
  public Trainer(Session session, BaseModel base, Attachment attachment, String adapter,
      TrainingOptions options) {
    this.session = session;
    this.attachment = attachment;
    this.adapter = adapter;
    this.options = options;
    this.graphs = new StepPrograms(new ModelGraphs(base,
        new GraphOptions(options.computeType(), true, options.checkpoint(), options.seed())), options);
    this.learned = new boolean[attachment.trainable().size()];
    this.maxPositions = base.model().maxPositions();
    this.inputTokens = ModelGraphs.inputTokens(RowGroup.all(adapter, attachment, 1));
    if (learned.length == 0) {
      throw new GraftException("Nothing to train: the adapter has no trainable tensor");
    }
    for (AdapterTensor tensor : attachment.trainable()) {
      String variable = AdapterWeights.variable(adapter, tensor.key());
      session.allocate(StepPrograms.moment1(variable), graphs.type(), tensor.shape());
      session.allocate(StepPrograms.moment2(variable), graphs.type(), tensor.shape());
    }
  }

  /** Returns how many steps are done. */
  public long step() {
    return done;
  }

  /** Trains up to the last step. */
  public void run(BatchSource batches, TrainingListener listener) {
    while (done < options.steps()) {
      listener.stepDone(step(batches));
    }
  }

  /**
   * Does one step.
   *
   * @throws GraftException if the loss is not finite, if the step's batches hold no label, or if by now some
   * trainable tensor should have had a gradient and has not
   */
  public StepReport step(BatchSource source) {
    long start = System.nanoTime();
    long step = done + 1;
    List<TokenBatch> batches = source.step(done);
    if (batches.size() > 1) {
      allocateSums();
    }
    int labels = batches.stream().mapToInt(b -> b.labelCount(inputTokens)).sum();
    if (labels == 0) {
      throw new GraftException("Step " + step + " has no label to learn from: every token of its batches is"
          + " part of a prompt or padding. Check the data set's completion field and the maximum length");
    }
    double rate = options.learningRate() * options.schedule().factor(step, options.warmup(), options.steps());
    double loss = 0;
    long tokens = 0;
    long planned = 0;
    Map<String, HostTensor> last = Map.of();
    for (int i = 0; i < batches.size(); i++) {
      TokenBatch batch = batches.get(i);
      StepPrograms.Role role = batches.size() == 1
          ? StepPrograms.Role.WHOLE
          : i < batches.size() - 1 ? StepPrograms.Role.ADDS : StepPrograms.Role.ENDS;
      BatchLayout layout = BatchLayout.of(batch, inputTokens, maxPositions);
      Compiled compiled = compiled(new Key(layout, role));
      Map<String, HostTensor> feeds = layout.feeds(batch, inputTokens,
          attachment.virtualTokens() - inputTokens, 1.0 / labels, graphs.type());
      feeds.put(Feeds.STEP, HostTensor.ofLongs(Shape.of(), step * batches.size() + i));
      feeds.put(StepPrograms.RATE, scalar(rate));
      feeds.put(StepPrograms.CORRECTION1, scalar(1 - Math.pow(options.beta1(), step)));
      feeds.put(StepPrograms.CORRECTION2, scalar(1 - Math.pow(options.beta2(), step)));
      feeds.put(StepPrograms.DECAY, scalar(1 - rate * options.weightDecay()));
      feeds.keySet().retainAll(compiled.inputs());
      last = compiled.program().run(feeds);
      loss += value(last, ModelGraphs.LOSS).item();
      planned = Math.max(planned, compiled.program().plannedBytes());
      tokens += batch.tokenCount();
    }
    double norm = value(last, StepPrograms.NORM).item();
    if (!Double.isFinite(loss) || !Double.isFinite(norm)) {
      throw new GraftException("Step " + step + ": the loss is " + loss + " and the gradients' norm " + norm
          + ". Lower the learning rate (now " + options.learningRate() + "), or lengthen the warm-up");
    }
    done = step;
    proveTraining(value(last, StepPrograms.SQUARES));
    return new StepReport(step, options.steps(), loss, norm, rate, tokens,
        (System.nanoTime() - start) / 1e9, planned);
  }

  private void allocateSums() {
    if (!summing) {
      attachment.trainable().forEach(tensor -> session.allocate(
          StepPrograms.sum(AdapterWeights.variable(adapter, tensor.key())), graphs.type(), tensor.shape()));
      summing = true;
    }
  }

  private static HostTensor value(Map<String, HostTensor> outputs, String name) {
    return java.util.Objects.requireNonNull(outputs.get(name), name);
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

  /** Fails if some trainable tensor has had no gradient in the first steps. */
  private void proveTraining(HostTensor squares) {
    if (done > PROOF_STEPS) {
      return;
    }
    for (int i = 0; i < learned.length; i++) {
      learned[i] |= squares.at(i) > 0;
    }
    if (done == PROOF_STEPS || done == options.steps() && done > 1) {
      List<String> idle = new ArrayList<>();
      for (int i = 0; i < learned.length; i++) {
        if (!learned[i]) {
          idle.add(attachment.trainable().get(i).key());
        }
      }
      // With the first rates at 0, a factor that starts at zero hides its partner's gradient a little longer.
      boolean moved = options.schedule().factor(2, options.warmup(), options.steps()) > 0;
      if (!idle.isEmpty() && moved) {
        throw new GraftException("After " + done + " steps " + idle.size() + " of " + learned.length
            + " trainable tensors have had no gradient, so they do not learn: " + String.join(", ",
                idle.subList(0, Math.min(3, idle.size())))
            + ". Take these modules out of target_modules, or check that the model uses them");
      }
    }
  }

  /** Saves all that resuming needs. */
  public void save(Checkpoints checkpoints, Map<String, ?> state) {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    for (AdapterTensor tensor : attachment.trainable()) {
      String variable = AdapterWeights.variable(adapter, tensor.key());
      for (String name : List.of(variable, StepPrograms.moment1(variable), StepPrograms.moment2(variable))) {
        tensors.put(name, session.download(name));
      }
    }
    checkpoints.save(done, TensorSource.of(tensors), state);
  }

  /** Goes on from a checkpoint. */
  public void resume(Checkpoint checkpoint) {
    for (AdapterTensor tensor : attachment.trainable()) {
      String variable = AdapterWeights.variable(adapter, tensor.key());
      for (String name : List.of(variable, StepPrograms.moment1(variable), StepPrograms.moment2(variable))) {
        if (!checkpoint.names().contains(name)) {
          throw new GraftException("Checkpoint " + checkpoint.path() + " lacks " + name
              + ": it belongs to another adapter configuration");
        }
        // A copy, since the file is closed while the session goes on.
        HostTensor stored = checkpoint.tensor(name);
        HostTensor copy = HostTensor.zeros(stored.dtype(), stored.shape());
        copy.segment().copyFrom(stored.segment());
        session.upload(name, copy);
      }
    }
    done = checkpoint.step();
  }

  /** Frees the programs and the optimiser's variables. */
  @Override
  public void close() {
    programs.values().forEach(compiled -> compiled.program().close());
    programs.clear();
    for (AdapterTensor tensor : attachment.trainable()) {
      String variable = AdapterWeights.variable(adapter, tensor.key());
      session.release(StepPrograms.moment1(variable));
      session.release(StepPrograms.moment2(variable));
      session.release(StepPrograms.sum(variable));
    }
  }

  /** Returns the type in which the adapter's tensors are held. */
  public DType parameterType() {
    return graphs.type();
  }
}
