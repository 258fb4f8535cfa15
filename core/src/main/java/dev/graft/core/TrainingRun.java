package dev.graft.core;

import dev.graft.core.train.BatchesAhead;
import dev.graft.core.train.Evaluator;
import dev.graft.core.train.RunLog;
import dev.graft.core.train.Trainer;
import dev.graft.error.GraftException;
import dev.graft.formats.Checkpoint;
import dev.graft.formats.Checkpoints;
import dev.graft.formats.ContentFingerprint;
import dev.graft.formats.FolderLock;
import dev.graft.formats.Json;
import dev.graft.formats.TensorSource;
import dev.graft.graph.HostTensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.apiguardian.api.API;

/**
 * Trains an adapter with a log, evaluations and checkpoints, so that a run that was cut short, at whatever
 * moment, can go on: its further losses are then the same to the last bit as without the cut, on a backend
 * that is deterministic.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class TrainingRun implements AutoCloseable {
  /** Begins the name of what is compared by a fingerprint, which tells a reader nothing. */
  public static final String CONTENT = "the content of ";

  private static final String IDENTITY = "identity";
  private static final String STEPS = "steps";
  private static final String RATE = "learning rate";
  private static final String WARMUP = "warm-up";

  private final GraftAdapter adapter;
  private final TrainingOptions options;
  private final RunOptions files;
  private final Optional<FolderLock> lock;
  private final Map<String, String> identity;
  private final Checkpoints checkpoints;
  private final Trainer trainer;
  private final Evaluator evaluator;
  /** What the adapter was before the run, and the step that the run went on from; both only after going on. */
  private Map<String, HostTensor> start = Map.of();
  private OptionalLong resumedAt = OptionalLong.empty();

  /** Tells how a run ended. */
  public enum Outcome {
    /** All steps are done. */
    FINISHED,
    /** It was asked to stop; a checkpoint to go on from is there. */
    STOPPED
  }

  /**
   * Prepares a run, and locks its folder for as long as the run is open.
   *
   * @param identity what else must be the same when the run goes on, such as a fingerprint of the data set: texts,
   * numbers and booleans
   * @throws GraftException if another process trains into the folder
   */
  public TrainingRun(GraftAdapter adapter, TrainingOptions options, RunOptions files,
      Map<String, ?> identity) {
    this(adapter, options, files, identity, Optional.of(FolderLock.of(files.folder())));
  }

  private TrainingRun(GraftAdapter adapter, TrainingOptions options, RunOptions files,
      Map<String, ?> identity,
      Optional<FolderLock> lock) {
    this.adapter = adapter;
    this.options = options;
    this.files = files;
    this.lock = lock;
    this.checkpoints = new Checkpoints(files.folder(), files.keep());
    try {
      this.identity = identity(identity);
      this.trainer = adapter.trainer(options);
      this.evaluator = adapter.evaluator();
    } catch (RuntimeException e) {
      lock.ifPresent(FolderLock::close);
      throw e;
    }
  }

  /** Prepares a run in a folder that the caller has locked. */
  public static TrainingRun inLockedFolder(GraftAdapter adapter, TrainingOptions options, RunOptions files,
      Map<String, ?> identity) {
    return new TrainingRun(adapter, options, files, identity, Optional.empty());
  }

  /** Returns all that decides the run's numbers, as JSON by name. */
  private Map<String, String> identity(Map<String, ?> more) {
    Map<String, Object> all = new LinkedHashMap<>(more);
    adapter.attachment().config("").forEach((key, value) -> all.put("the adapter's " + key, value));
    TensorSource fixed = TensorSource.of(adapter.fixedTensors());
    if (!fixed.names().isEmpty()) {
      all.put(CONTENT + "the adapter's tensors that do not learn", ContentFingerprint.of(fixed));
    }
    all.put(CONTENT + "the base model's weights",
        ContentFingerprint.of(adapter.model().base().checkpoint()));
    adapter.model().loaded().ifPresent(loaded -> all.put(CONTENT + "the base model's config.json",
        ContentFingerprint.of(Json.formatLine(new TreeMap<>(loaded.folder().config())))));
    all.put("backend", adapter.model().backend().id());
    all.put(STEPS, options.steps());
    all.put(RATE, options.learningRate());
    all.put("schedule", options.schedule().name());
    all.put(WARMUP, options.warmup());
    all.put("weight decay", options.weightDecay());
    all.put("beta1", options.beta1());
    all.put("beta2", options.beta2());
    all.put("epsilon", options.epsilon());
    all.put("the gradients' largest norm", options.maxGradNorm());
    all.put("compute type", adapter.model().computeType().name());
    all.put("seed", options.seed());
    Map<String, String> texts = new TreeMap<>();
    all.forEach((key, value) -> texts.put(key, Json.formatLine(value)));
    return texts;
  }

  /**
   * Goes on from the last whole checkpoint in the folder. The learning rate may be another than before, and the
   * steps may be more; all else that decides the run's numbers must be the same.
   *
   * @param listener called with the step to go on from, and with notes on damaged checkpoints that are skipped
   * @return whether there was one
   * @throws GraftException if the checkpoint is of another run; names what differs
   */
  public boolean resume(TrainingListener listener) {
    Optional<Checkpoint> latest = checkpoints.latest(listener::noticed);
    if (latest.isEmpty()) {
      return false;
    }
    try (Checkpoint checkpoint = latest.get()) {
      compare(checkpoint);
      start = trainer.parameters();
      trainer.resume(checkpoint);
    }
    resumedAt = OptionalLong.of(trainer.step());
    listener.resumed(trainer.step());
    return true;
  }

  private void compare(Checkpoint checkpoint) {
    Map<?, ?> saved = checkpoint.state().get(IDENTITY) instanceof Map<?, ?> map ? map : Map.of();
    boolean otherSteps = !Objects.equals(identity.get(STEPS), saved.get(STEPS));
    List<String> differences = new ArrayList<>();
    identity.forEach((key, now) -> {
      Object then = saved.containsKey(key) ? saved.get(key) : "unknown";
      boolean free = switch (key) {
        case RATE -> true;
        case STEPS -> then instanceof String before && before.matches("\\d{1,18}")
            && Long.parseLong(before) <= options.steps();
        // A warm-up that is given as a share of the steps follows these.
        case WARMUP -> otherSteps;
        default -> false;
      };
      if (!now.equals(then) && !free) {
        differences.add(key.startsWith(CONTENT)
            ? key + " has changed"
            : key + " was " + then + " and is " + now);
      }
    });
    if (!differences.isEmpty()) {
      throw new GraftException("The run in " + files.folder() + " cannot go on as it began: "
          + String.join("; ", differences) + ". Put back what was, or train into another folder");
    }
  }

  /**
   * Trains to the end, or until asked to stop, and saves the adapter. If a step's loss or gradients are not finite,
   * what was there before it is saved as a checkpoint to go on from.
   *
   * @param validation is measured before the first step, every so often, and at the end; may be empty
   * @param listener called after each step, evaluation and save; the log is written as well
   * @param stop is asked after every step
   * @throws DivergedException if the loss or the gradients of a step are not finite
   * @throws GraftException if a file of the base model is changed meanwhile; nothing is saved then
   */
  public Outcome train(BatchSource batches, List<TokenBatch> validation, TrainingListener listener,
      BooleanSupplier stop) {
    while (true) {
      try (RunLog log = RunLog.open(files.log(), trainer.step(), listener::noticed)) {
        try (BatchesAhead ahead = new BatchesAhead(batches, options.steps())) {
          return train(ahead, validation, log, listener, stop);
        }
      } catch (DivergedException e) {
        if (!goBack(listener)) {
          saveBefore(e);
          throw e;
        }
      } catch (InternalError e) {
        // A part of a mapped file is gone: it was made shorter.
        verifyUnchangedBase();
        throw e;
      }
    }
  }

  private Outcome train(BatchSource batches, List<TokenBatch> validation, RunLog log,
      TrainingListener listener,
      BooleanSupplier stop) {
    if (trainer.step() == 0) {
      evaluate(validation, log, listener);
    }
    while (trainer.step() < options.steps()) {
      verifyUnchangedBase();
      StepReport report = trainer.step(batches);
      verifyUnchangedBase();
      log.step(report);
      trainer.notice().ifPresent(message -> {
        log.notice(report.step(), message);
        listener.noticed(message);
      });
      listener.stepDone(report);
      if (isDue(files.evaluateEvery()) || report.step() == options.steps()) {
        evaluate(validation, log, listener);
      }
      boolean stopping = report.step() < options.steps() && stop.getAsBoolean();
      if (isDue(files.saveEvery()) || stopping) {
        verifyUnchangedBase();
        trainer.save(checkpoints, Map.of(IDENTITY, identity));
        listener.saved(report.step(), files.folder().resolve("checkpoint-" + report.step()));
      }
      if (stopping) {
        adapter.save(files.folder());
        return Outcome.STOPPED;
      }
    }
    verifyUnchangedBase();
    adapter.save(files.folder());
    return Outcome.FINISHED;
  }

  private void verifyUnchangedBase() {
    adapter.model().loaded().ifPresent(loaded -> loaded.folder().verifyUnchanged());
  }

  /**
   * Goes back to the checkpoint before the one that the run went on from, if its very first step has diverged: its
   * loss depends on what was saved alone, so that a lower learning rate would come too late.
   *
   * @return whether there is anything to go back to
   */
  private boolean goBack(TrainingListener listener) {
    if (resumedAt.isEmpty() || trainer.step() != resumedAt.getAsLong()) {
      return false;
    }
    long from = resumedAt.getAsLong();
    Optional<Checkpoint> earlier = checkpoints.latestBefore(from, listener::noticed);
    if (earlier.isPresent()) {
      try (Checkpoint checkpoint = earlier.get()) {
        compare(checkpoint);
        trainer.resume(checkpoint);
      }
      resumedAt = OptionalLong.of(trainer.step());
    } else {
      trainer.restart(start);
      resumedAt = OptionalLong.empty();
    }
    listener.noticed(
        "After step " + from + " the loss or the gradients are not finite, whatever the learning rate:"
            + " going back to step " + trainer.step());
    return true;
  }

  /** Saves what a step that diverged has left as it was, and takes no earlier checkpoint away for it. */
  private void saveBefore(DivergedException diverged) {
    if (trainer.step() == 0 || checkpoints.steps().contains(trainer.step())) {
      return;
    }
    try {
      trainer.add(checkpoints, Map.of(IDENTITY, identity));
    } catch (GraftException e) {
      diverged.addSuppressed(e);
    }
  }

  private boolean isDue(long every) {
    return every > 0 && trainer.step() % every == 0;
  }

  private void evaluate(List<TokenBatch> validation, RunLog log, TrainingListener listener) {
    if (!validation.isEmpty()) {
      verifyUnchangedBase();
      double loss = evaluator.loss(validation);
      log.evaluation(trainer.step(), loss);
      listener.evaluated(trainer.step(), loss);
    }
  }

  /** Frees what training and evaluation hold on the device, and unlocks the folder. */
  @Override
  public void close() {
    evaluator.close();
    trainer.close();
    lock.ifPresent(FolderLock::close);
  }
}
