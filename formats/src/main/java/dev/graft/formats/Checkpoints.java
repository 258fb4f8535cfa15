package dev.graft.formats;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apiguardian.api.API;

/**
 * Keeps the last checkpoints of a training run in {@code checkpoint-<step>} folders. A checkpoint is written
 * under a hidden name and renamed when it is whole. Folders of that name that Graft did not write are left
 * alone. One process may save at a time.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Checkpoints {
  private static final Pattern NAME = Pattern.compile("checkpoint-(0|[1-9]\\d{0,17})");
  /** The last place of a checkpoint while another of the same step takes its name. */
  private static final Pattern OLD = Pattern.compile("\\.checkpoint-(0|[1-9]\\d{0,17})\\.graft-old");
  private static final Pattern DRAFT = Pattern.compile("\\.checkpoint-(0|[1-9]\\d{0,17})\\.graft-draft");

  private final Path root;
  private final int keep;
  private final SafeFiles safe;

  /**
   * Creates a keeper.
   *
   * @param root the folder of the run; it is created by the first save
   * @param keep how many checkpoints to keep, at least 1
   */
  public Checkpoints(Path root, int keep) {
    this(root, keep, SafeFiles.DISK);
  }

  Checkpoints(Path root, int keep, SafeFiles safe) {
    if (keep < 1) {
      throw new GraftException("At least one checkpoint must be kept, not " + keep);
    }
    this.root = root;
    this.keep = keep;
    this.safe = safe;
  }

  /**
   * Saves a checkpoint, and then deletes the oldest so that of those up to this step the last few stay.
   * Checkpoints of later steps, from which a run went back, are not touched.
   *
   * @param step optimiser steps done, at least 0
   * @param tensors asked for one at a time
   * @param state what {@link Json} can hold
   * @throws GraftException if the disk refuses, if a tensor holds NaN or infinity, or if a folder of this name is
   *   not Graft's
   */
  public void save(long step, TensorSource tensors, Map<String, ?> state) {
    add(step, tensors, state);
    try {
      prune(step);
    } catch (IOException e) {
      throw FileFaults.writing(place(step), e);
    }
  }

  /**
   * Saves a checkpoint and leaves all others where they are.
   *
   * @param step optimiser steps done, at least 0
   * @param tensors asked for one at a time
   * @param state what {@link Json} can hold
   * @throws GraftException as {@link #save}
   */
  public void add(long step, TensorSource tensors, Map<String, ?> state) {
    if (step < 0) {
      throw new GraftException("A checkpoint cannot be saved at step " + step);
    }
    Path draft = root.resolve(".checkpoint-" + step + ".graft-draft");
    try {
      safe.createDirectories(root);
      recover();
      Path place = place(step);
      if (Files.exists(place) && !isOurs(place)) {
        throw new GraftException(place + " is in the way: Graft did not write it. Move it elsewhere.");
      }
      safe.files().createDirectory(draft);
      Checkpoint.write(safe, draft, step, tensors, state);
      if (Files.exists(place)) {
        safe.files().move(place, old(step));
      }
      safe.files().move(draft, place);
      safe.files().force(root);
      safe.deleteTree(old(step));
    } catch (IOException e) {
      safe.discard(draft, e);
      throw FileFaults.writing(place(step), e);
    } catch (RuntimeException e) {
      safe.discard(draft, e);
      throw e;
    }
  }

  /** Returns the steps of all checkpoints, lowest first; they may turn out damaged when opened. */
  public List<Long> steps() {
    return List.copyOf(found().keySet());
  }

  /**
   * Opens the checkpoint of a step.
   *
   * @throws GraftException if it is missing or damaged
   */
  public Checkpoint open(long step) {
    Path folder = found().get(step);
    if (folder == null) {
      throw new GraftException("The checkpoint " + place(step) + " is missing; there are those of steps "
          + steps());
    }
    return Checkpoint.open(folder);
  }

  /**
   * Opens the last checkpoint that is whole.
   *
   * @param skipped told why a later one is passed over
   */
  public Optional<Checkpoint> latest(Consumer<String> skipped) {
    return latestBefore(Long.MAX_VALUE, skipped);
  }

  /**
   * Opens the last checkpoint before a step that is whole.
   *
   * @param skipped told why a later one is passed over
   */
  public Optional<Checkpoint> latestBefore(long step, Consumer<String> skipped) {
    for (Path folder : found().headMap(step, false).descendingMap().values()) {
      try {
        return Optional.of(Checkpoint.open(folder));
      } catch (GraftException e) {
        skipped.accept(folder + " is passed over: " + e.getMessage());
      }
    }
    return Optional.empty();
  }

  private Path place(long step) {
    return root.resolve("checkpoint-" + step);
  }

  private Path old(long step) {
    return root.resolve(".checkpoint-" + step + ".graft-old");
  }

  private static boolean isOurs(Path folder) {
    return Files.exists(folder.resolve(Checkpoint.STATE));
  }

  private NavigableMap<Long, Path> found() {
    NavigableMap<Long, Path> found = new TreeMap<>();
    if (Files.notExists(root)) {
      return found;
    }
    try {
      found.putAll(named(OLD));
      found.putAll(named(NAME));
    } catch (IOException e) {
      throw FileFaults.reading(root, e);
    }
    found.values().removeIf(folder -> !isOurs(folder));
    return found;
  }

  private Map<Long, Path> named(Pattern pattern) throws IOException {
    Map<Long, Path> folders = new TreeMap<>();
    List<Path> children;
    try (Stream<Path> list = Files.list(root)) {
      children = list.filter(Files::isDirectory).toList();
    }
    for (Path child : children) {
      Matcher matcher = pattern.matcher(String.valueOf(child.getFileName()));
      if (matcher.matches()) {
        folders.put(Long.valueOf(matcher.group(1)), child);
      }
    }
    return folders;
  }

  /** Undoes what a save that was cut short has left. */
  private void recover() throws IOException {
    for (Map.Entry<Long, Path> old : named(OLD).entrySet()) {
      if (Files.notExists(place(old.getKey()))) {
        safe.files().move(old.getValue(), place(old.getKey()));
      } else {
        safe.deleteTree(old.getValue());
      }
    }
    for (Path draft : named(DRAFT).values()) {
      safe.deleteTree(draft);
    }
  }

  private void prune(long step) throws IOException {
    NavigableMap<Long, Path> earlier = found().headMap(step, true);
    while (earlier.size() > keep) {
      Map.Entry<Long, Path> oldest = earlier.firstEntry();
      // Renamed first, since a folder that is half deleted must not look like a checkpoint.
      Path draft = root.resolve(".checkpoint-" + oldest.getKey() + ".graft-draft");
      safe.files().move(oldest.getValue(), draft);
      safe.deleteTree(draft);
      earlier.remove(oldest.getKey());
    }
  }
}
