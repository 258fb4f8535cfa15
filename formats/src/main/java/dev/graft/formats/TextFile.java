package dev.graft.formats;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.file.Path;
import org.apiguardian.api.API;

/** Writes a small text file in UTF-8. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class TextFile {
  private TextFile() {
  }

  /**
   * Writes a file in the place of an old one, folders above it included: a reader sees the old or the new,
   * never a part.
   *
   * @throws GraftException if the disk refuses
   */
  public static void replace(Path file, String text) {
    try {
      SafeFiles.DISK.createDirectories(SafeFiles.directoryOf(file));
      SafeFiles.DISK.replace(file, Content.of(text));
    } catch (IOException e) {
      throw FileFaults.writing(file, e);
    }
  }
}
