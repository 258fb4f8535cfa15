package dev.graft.formats;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** Refuses Python pickles, which run whatever code their author put in. They are never opened. */
final class Pickles {
  private Pickles() {
  }

  /**
   * Refuses a folder that has weights only as pickles.
   *
   * @param wanted the file that is missing
   */
  static void refuse(Path folder, String wanted) throws IOException {
    Optional<Path> pickle;
    try (Stream<Path> files = Files.list(folder)) {
      pickle = files.filter(file -> isPickle(file.getFileName().toString())).sorted().findFirst();
    }
    if (pickle.isPresent()) {
      throw new GraftException(folder + " has its weights only in " + pickle.get().getFileName()
          + ", a Python pickle, which can run any code and is never opened. Convert it in Python, where you"
          + " trust its author: safetensors.torch.save_file(torch.load(\"" + pickle.get().getFileName()
          + "\", weights_only=True), \"" + wanted + "\", metadata={\"format\": \"pt\"})");
    }
  }

  private static boolean isPickle(String name) {
    return name.matches("(pytorch|adapter)_model.*\\.bin") || name.matches(".*\\.(pt|pth|ckpt|pkl|pickle)");
  }
}
