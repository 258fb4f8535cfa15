package dev.graft.formats;

import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/** Holds what a training run needs to go on as if it had never stopped: named tensors and a JSON object. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Checkpoint implements TensorSource, AutoCloseable {
  static final String STATE = "training_state.json";
  static final String TENSORS = "training_state.safetensors";

  private static final String FORMAT = "graft-training-state";
  private static final long VERSION = 1;

  private final Path path;
  private final long step;
  private final Map<String, @Nullable Object> state;
  private final SafetensorsFile tensors;

  private Checkpoint(Path path, long step, Map<String, @Nullable Object> state, SafetensorsFile tensors) {
    this.path = path;
    this.step = step;
    this.state = state;
    this.tensors = tensors;
  }

  /** Opens a checkpoint and compares its tensors with their checksum. */
  static Checkpoint open(Path folder) {
    Path stateFile = folder.resolve(STATE);
    Map<String, @Nullable Object> json = Json.readObject(stateFile);
    if (!FORMAT.equals(json.get("format")) || !(json.get("step") instanceof Long step)
        || !(json.get("state") instanceof Map<?, ?> fields)) {
      throw new GraftException(stateFile + " is not a training state of Graft");
    }
    if (!Long.valueOf(VERSION).equals(json.get("version"))) {
      throw new GraftException(
          stateFile + " has version " + json.get("version") + " of the format; this Graft"
              + " reads version " + VERSION + ". Resume with the Graft that wrote it.");
    }
    Path tensorFile = folder.resolve(TENSORS);
    Fingerprint expected = Fingerprint.fromJson(json.get("tensors"), stateFile);
    try {
      if (!Fingerprint.of(tensorFile).equals(expected)) {
        throw new GraftException(tensorFile + " is damaged or incomplete: its length or checksum is not the"
            + " one in " + STATE);
      }
    } catch (IOException e) {
      throw FileFaults.reading(tensorFile, e);
    }
    Map<String, @Nullable Object> state = new LinkedHashMap<>();
    fields.forEach((key, value) -> state.put(String.valueOf(key), value));
    return new Checkpoint(folder, step, state, SafetensorsFile.open(tensorFile));
  }

  /** Writes the files of a checkpoint into a folder that nobody reads yet. */
  static void write(SafeFiles safe, Path folder, long step, TensorSource tensors, Map<String, ?> state)
      throws IOException {
    Path tensorFile = folder.resolve(TENSORS);
    safe.write(tensorFile, SafetensorsWriter.pytorch().refusingNonFinite().content(tensorFile, tensors));
    safe.write(folder.resolve(STATE), Content.of(Json.format(Map.of(
        "format", FORMAT,
        "version", VERSION,
        "step", step,
        "tensors", Fingerprint.of(tensorFile).toJson(),
        "state", state)) + "\n"));
    safe.files().force(folder);
  }

  /** Returns where the checkpoint lies. */
  public Path path() {
    return path;
  }

  /** Returns the number of optimiser steps done. */
  public long step() {
    return step;
  }

  /** Returns the JSON object that was saved, sorted by key. */
  public Map<String, @Nullable Object> state() {
    return Collections.unmodifiableMap(state);
  }

  @Override
  public Set<String> names() {
    return tensors.names();
  }

  @Override
  public Signature signature(String name) {
    return tensors.signature(name);
  }

  @Override
  public HostTensor tensor(String name) {
    return tensors.tensor(name);
  }

  /** Unmaps the tensors; they must not be used afterwards. */
  @Override
  public void close() {
    tensors.close();
  }
}
