package dev.graft.formats;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Remembers a file to notice whether it is changed later.
 *
 * @param key which file bears the name, where the system tells
 * @param bytes its length
 * @param modified when it was last written to
 */
record FileStamp(@Nullable Object key, long bytes, FileTime modified) {
  static FileStamp of(Path file) throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    return new FileStamp(attributes.fileKey(), attributes.size(), attributes.lastModifiedTime());
  }

  /** Tells whether the file was written to; another of its name is no change of it, nor is none. */
  boolean hasChanged(Path file) {
    try {
      FileStamp now = of(file);
      return Objects.equals(key, now.key) && (bytes != now.bytes || !modified.equals(now.modified));
    } catch (IOException e) {
      return false;
    }
  }
}
