package dev.graft.formats;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Replaces the files of an adapter as if they were one, and leaves the folder's other files alone. There are
 * two, and a third if the method trains parameters that PEFT does not store.
 *
 * <p>
 * No file system renames two files in one step, so a journal is kept:
 * <ol>
 * <li>{@code adapter_model.safetensors.new}, {@code adapter_config.json.new} and, if there is one, {@code
 * graft_training.safetensors.new} are written and forced to disk.
 * <li>{@code .graft-save.json}, with the lengths and checksums of all, is renamed into place. This is the
 * moment at which the save counts.
 * <li>The old configuration is deleted, the new weights and then the new configuration are renamed into
 * place, and the journal is deleted. An old third file is replaced, or deleted if there is no new one.
 * </ol>
 *
 * <p>
 * A reader of Graft that finds a journal takes each file from its {@code .new} name if that exists: it sees
 * the old pair before step 2 and the new pair after it. A reader that knows no journal, such as PEFT, finds
 * no {@code adapter_config.json} while step 3 runs, and says so; it never sees a mix. A save that was cut
 * short after step 2 is finished by the next one. One process may save to a folder at a time; any number may
 * read.
 */
record AdapterFiles(Path folder, SafeFiles safe) {
  static final String CONFIG = "adapter_config.json";
  static final String WEIGHTS = "adapter_model.safetensors";
  static final String TRAINING = "graft_training.safetensors";
  private static final String JOURNAL = ".graft-save.json";
  private static final String NEW = ".new";

  Path config() {
    return folder.resolve(CONFIG);
  }

  Path weights() {
    return folder.resolve(WEIGHTS);
  }

  Path training() {
    return folder.resolve(TRAINING);
  }

  private Path newConfig() {
    return folder.resolve(CONFIG + NEW);
  }

  private Path newWeights() {
    return folder.resolve(WEIGHTS + NEW);
  }

  private Path newTraining() {
    return folder.resolve(TRAINING + NEW);
  }

  private Path journal() {
    return folder.resolve(JOURNAL);
  }

  /**
   * Names the files that make up the adapter now.
   *
   * @param config the configuration
   * @param weights the weights
   * @param training what only training needs
   */
  record Current(Path config, Path weights, Optional<Path> training) {}

  /**
   * Finds the files that count.
   *
   * @throws GraftException if an interrupted save was damaged afterwards
   */
  Current current() throws IOException {
    if (Files.notExists(journal())) {
      return new Current(config(), weights(), Optional.of(training()).filter(Files::exists));
    }
    Map<String, @Nullable Object> written = Json.readObject(journal());
    Current current = new Current(newest(newConfig(), config()), newest(newWeights(), weights()),
        Optional.of(newest(newTraining(), training())).filter(_ -> written.containsKey(TRAINING)));
    verify(current.config(), Fingerprint.fromJson(written.get(CONFIG), journal()));
    verify(current.weights(), Fingerprint.fromJson(written.get(WEIGHTS), journal()));
    if (current.training().isPresent()) {
      verify(current.training().get(), Fingerprint.fromJson(written.get(TRAINING), journal()));
    }
    return current;
  }

  private static Path newest(Path renamedLater, Path renamed) {
    return Files.exists(renamedLater) ? renamedLater : renamed;
  }

  private void verify(Path file, Fingerprint expected) throws IOException {
    if (!Fingerprint.of(file).equals(expected)) {
      throw new GraftException(file + " is not what the interrupted save wrote there, by its journal "
          + journal() + ". Copy a whole adapter into the folder, or delete the journal to take the files as"
          + " they are.");
    }
  }

  /** Takes a note of the folder's state; two equal notes mean that no save ran between them. */
  List<String> stamp() throws IOException {
    List<String> stamp = new ArrayList<>();
    for (Path file : List.of(journal(), newConfig(), newWeights(), newTraining(), config(), weights(),
        training())) {
      Optional<BasicFileAttributes> attributes = attributes(file);
      stamp.add(attributes.map(a -> a.fileKey() + " " + a.size() + " " + a.lastModifiedTime()).orElse(""));
    }
    return stamp;
  }

  private static Optional<BasicFileAttributes> attributes(Path file) throws IOException {
    if (Files.notExists(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(Files.readAttributes(file, BasicFileAttributes.class));
    } catch (NoSuchFileException _) {
      return Optional.empty();
    }
  }

  /**
   * Replaces the files; the old ones stand if this throws.
   *
   * @param training makes what only training needs, given the weights as they were written
   */
  void replace(Content config, Content weights, Optional<Function<Fingerprint, Content>> training)
      throws IOException {
    safe.createDirectories(folder);
    if (Files.exists(journal())) {
      finish();
    }
    Path journalDraft = folder.resolve(JOURNAL + NEW);
    try {
      safe.write(newWeights(), weights);
      safe.write(newConfig(), config);
      Fingerprint weightsWritten = Fingerprint.of(newWeights());
      Map<String, Object> written = new TreeMap<>();
      written.put(CONFIG, Fingerprint.of(newConfig()).toJson());
      written.put(WEIGHTS, weightsWritten.toJson());
      if (training.isPresent()) {
        safe.write(newTraining(), training.get().apply(weightsWritten));
        written.put(TRAINING, Fingerprint.of(newTraining()).toJson());
      }
      safe.write(journalDraft, Content.of(Json.format(written)));
      safe.files().force(folder);
      safe.files().move(journalDraft, journal());
    } catch (IOException | RuntimeException e) {
      safe.discard(journalDraft, e);
      safe.discard(newConfig(), e);
      safe.discard(newWeights(), e);
      safe.discard(newTraining(), e);
      throw e;
    }
    try {
      safe.files().force(folder);
      finish();
    } catch (IOException e) {
      throw new GraftException(folder + " holds the new adapter, but under temporary names that only Graft"
          + " reads, since the files could not be renamed: " + e.getMessage() + ". Save again to mend it.",
          e);
    }
  }

  private void finish() throws IOException {
    boolean trains = current().training().isPresent();
    if (Files.exists(newWeights())) {
      if (Files.exists(newConfig())) {
        safe.files().delete(config());
      }
      safe.files().move(newWeights(), weights());
    }
    if (!trains) {
      safe.files().delete(newTraining());
      safe.files().delete(training());
    } else if (Files.exists(newTraining())) {
      safe.files().move(newTraining(), training());
    }
    if (Files.exists(newConfig())) {
      safe.files().move(newConfig(), config());
    }
    safe.files().force(folder);
    safe.files().delete(journal());
    safe.files().force(folder);
  }
}
