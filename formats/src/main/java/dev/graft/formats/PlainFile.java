package dev.graft.formats;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.apiguardian.api.API;

/**
 * Opens files for reading, and refuses what only looks like one. A pipe without a writer would be waited for
 * without end, and a device may never end.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class PlainFile {
  private static final int KIND = 0170000;
  private static final int PIPE = 0010000;
  private static final int SOCKET = 0140000;

  private PlainFile() {
  }

  /**
   * Tells whether there is such a file.
   *
   * @return false if the folder has nothing of this name
   * @throws GraftException if what has this name is a folder, a pipe, a device, or a link to nothing
   */
  public static boolean exists(Path file) {
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    require(file, file.toString());
    return true;
  }

  /**
   * Requires a file, and does not open it.
   *
   * @param name what error messages call the file, its path included
   * @throws GraftException if there is no such file, or what has this name is a folder, a pipe, a device, or a
   *   link to nothing
   */
  public static void require(Path file, String name) {
    BasicFileAttributes attributes;
    try {
      attributes = Files.readAttributes(file, BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      throw new GraftException(name + (Files.isSymbolicLink(file)
          ? " is a link to a file that does not exist: " + target(file)
          : " does not exist"), e);
    } catch (IOException e) {
      throw FileFaults.reading(file, e);
    }
    if (attributes.isDirectory()) {
      throw new GraftException(name + " is a folder; name a file in it");
    }
    if (!attributes.isRegularFile()) {
      throw new GraftException(name + " is " + kind(file)
          + ", and only plain files are read: write what it yields to a file, and name that");
    }
  }

  /**
   * Opens a file.
   *
   * @param name what error messages call the file, its path included
   * @throws GraftException as {@link #require} does, if the file may not be read, or if something else lies in its
   *   place, such as a pointer of git LFS
   */
  public static InputStream open(Path file, String name) {
    require(file, name);
    StandIns.refuse(file);
    try {
      return Files.newInputStream(file);
    } catch (IOException e) {
      throw FileFaults.reading(file, e);
    }
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException e) {
      return "?";
    }
  }

  private static String kind(Path file) {
    try {
      return switch ((int) Files.getAttribute(file, "unix:mode") & KIND) {
        case PIPE -> "a pipe";
        case SOCKET -> "a socket";
        default -> "a device";
      };
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return "a device or a pipe";
    }
  }
}
