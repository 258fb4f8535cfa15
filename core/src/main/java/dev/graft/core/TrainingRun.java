package dev.graft.core;

import dev.graft.core.train.Evaluator;
import dev.graft.core.train.RunLog;
import dev.graft.core.train.Trainer;
import dev.graft.error.GraftException;
import dev.graft.formats.Checkpoint;
import dev.graft.formats.Checkpoints;
import dev.graft.formats.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
  private static final String IDENTITY = "identity";

  private final GraftAdapter adapter;
  private final TrainingOptions options;
  private final RunOptions files;
  private final Map<String, String> identity;
  private final Checkpoints checkpoints;
  private final Trainer trainer;
  private final Evaluator evaluator;

  /** Tells how a run ended. */
  public enum Outcome {
    /** All steps are done. */
    FINISHED,
    /** It was asked to stop; a checkpoint to go on from is there. */
    STOPPED
  }

  /**
   * Prepares a run.
   *
   * @param identity what else must be the same when the run goes on, such as the size of the data set: texts,
   * numbers and booleans
   */
  public TrainingRun(GraftAdapter adapter, TrainingOptions options, RunOptions files,
      Map<String, ?> identity) {
    this.adapter = adapter;
    this.options = options.in(adapter.model().computeType());
    this.files = files;
    this.identity = identity(identity);
    this.checkpoints = new Checkpoints(files.folder(), files.keep());
    this.trainer = adapter.trainer(options);
    this.evaluator = adapter.evaluator();
  }

  /** Returns all that decides the run's numbers, as JSON by name. */
  private Map<String, String> identity(Map<String, ?> more) {
    Map<String, Object> all = new LinkedHashMap<>(more);
    adapter.attachment().config("").forEach((key, value) -> all.put("the adapter's " + key, value));
    all.put("steps", options.steps());
    all.put("learning rate", options.learningRate());
    all.put("schedule", options.schedule().name());
    all.put("warm-up", options.warmup());
    all.put("weight decay", options.weightDecay());
    all.put("beta1", options.beta1());
    all.put("beta2", options.beta2());
    all.put("epsilon", options.epsilon());
    all.put("clip", options.clip());
    all.put("compute type", options.computeType().name());
    all.put("seed", options.seed());
    Map<String, String> texts = new TreeMap<>();
    all.forEach((key, value) -> texts.put(key, Json.formatLine(value)));
    return texts;
  }

  /**
   * Goes on from the last whole checkpoint in the folder.
   *
   * @param listener hears from which step, and of damaged checkpoints that are passed over
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
      trainer.resume(checkpoint);
    }
    listener.resumed(trainer.step());
    return true;
  }

  private void compare(Checkpoint checkpoint) {
    Map<?, ?> saved = checkpoint.state().get(IDENTITY) instanceof Map<?, ?> map ? map : Map.of();
    List<String> differences = new ArrayList<>();
    identity.forEach((key, now) -> {
      Object then = saved.containsKey(key) ? saved.get(key) : "unknown";
      if (!now.equals(then)) {
        differences.add(key + " was " + then + " and is " + now);
      }
    });
    if (!differences.isEmpty()) {
      throw new GraftException("The run in " + files.folder() + " cannot go on with other settings: "
          + String.join("; ", differences) + ". Use the old settings, or train into another folder");
    }
  }

  /**
   * Trains to the end, or until asked to stop, and saves the adapter.
   *
   * @param validation is measured before the first step, every so often, and at the end; may be empty
   * @param listener hears of everything; the log is written besides
   * @param stop is asked after every step
   */
  public Outcome train(BatchSource batches, List<TokenBatch> validation, TrainingListener listener,
      BooleanSupplier stop) {
    try {
      Files.createDirectories(files.folder());
    } catch (IOException e) {
      throw new GraftException("The folder " + files.folder() + " cannot be made: " + e.getMessage(), e);
    }
    try (RunLog log = RunLog.open(files.log(), trainer.step())) {
      if (trainer.step() == 0) {
        evaluate(validation, log, listener);
      }
      while (trainer.step() < options.steps()) {
        StepReport report = trainer.step(batches);
        log.step(report);
        listener.stepDone(report);
        if (isDue(files.evaluateEvery()) || report.step() == options.steps()) {
          evaluate(validation, log, listener);
        }
        boolean stopping = report.step() < options.steps() && stop.getAsBoolean();
        if (isDue(files.saveEvery()) || stopping) {
          trainer.save(checkpoints, Map.of(IDENTITY, identity));
          listener.saved(report.step(), files.folder().resolve("checkpoint-" + report.step()));
        }
        if (stopping) {
          adapter.save(files.folder());
          return Outcome.STOPPED;
        }
      }
    }
    adapter.save(files.folder());
    return Outcome.FINISHED;
  }

  private boolean isDue(long every) {
    return every > 0 && trainer.step() % every == 0;
  }

  private void evaluate(List<TokenBatch> validation, RunLog log, TrainingListener listener) {
    if (!validation.isEmpty()) {
      double loss = evaluator.loss(validation);
      log.evaluation(trainer.step(), loss);
      listener.evaluated(trainer.step(), loss);
    }
  }

  /** Frees what training and evaluation hold on the device. */
  @Override
  public void close() {
    evaluator.close();
    trainer.close();
  }
}
