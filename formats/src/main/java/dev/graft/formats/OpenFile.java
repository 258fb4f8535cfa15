package dev.graft.formats;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/**
 * Holds a file open while it is mapped, and tells whether somebody writes to it. Memory that is mapped from a
 * file changes with the file, and reading it beyond the file's end ends the process or fails.
 *
 * @param path where the file lay when it was opened
 * @param file open for reading; unlike a channel, it stands interrupts
 * @param attributes at that time
 */
record OpenFile(Path path, RandomAccessFile file, BasicFileAttributes attributes) implements AutoCloseable {
  static OpenFile open(Path path) {
    try {
      if (Files.notExists(path)) {
        throw new NoSuchFileException(path.toString());
      }
      PlainFile.require(path, path.toString());
      // First, so that a change between the two shows.
      BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
      if (!Files.isReadable(path)) {
        throw new AccessDeniedException(path.toString());
      }
      return new OpenFile(path, new RandomAccessFile(path.toFile(), "r"), attributes);
    } catch (IOException e) {
      throw FileFaults.reading(path, e);
    }
  }

  /** Maps the whole file until the arena is closed. */
  MemorySegment map(Arena arena) {
    try {
      return file.getChannel().map(FileChannel.MapMode.READ_ONLY, 0, file.length(), arena);
    } catch (IOException e) {
      throw FileFaults.reading(path, e);
    }
  }

  /**
   * Checks that no byte that was there is gone.
   *
   * @throws GraftException if the file is shorter than it was
   */
  void verifyLength() {
    try {
      if (file.length() < attributes.size()) {
        throw new GraftException(path + " was cut short to " + file.length() + " of its " + attributes.size()
            + " bytes while it was in use: restore the file, and begin again");
      }
    } catch (IOException e) {
      throw FileFaults.reading(path, e);
    }
  }

  /**
   * Checks that nobody has written to the file.
   *
   * @throws GraftException if its length or the time of its last change are others
   */
  void verifyUnchanged() {
    verifyLength();
    try {
      BasicFileAttributes now = Files.readAttributes(path, BasicFileAttributes.class);
      boolean same = Objects.equals(now.fileKey(), attributes.fileKey());
      if (same && (now.size() != attributes.size()
          || !now.lastModifiedTime().equals(attributes.lastModifiedTime()))) {
        throw new GraftException(path + " was changed at " + now.lastModifiedTime()
            + " while it was in use: what was computed since may come from either content. Restore the file, and"
            + " begin again");
      }
    } catch (NoSuchFileException _) {
      // Deleted or moved away; what is open stays.
    } catch (IOException e) {
      throw FileFaults.reading(path, e);
    }
  }

  @Override
  public void close() {
    try {
      file.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
