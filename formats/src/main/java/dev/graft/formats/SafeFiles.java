package dev.graft.formats;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Writes files so that a reader sees the old content or the new, whenever the process ends. */
record SafeFiles(FileOperations files) {
  private static final Pattern DRAFT = Pattern.compile("\\..+\\.[0-9a-f]{8}\\.tmp");

  static final SafeFiles DISK = new SafeFiles(new DiskOperations());

  /** Replaces one file: a temporary sibling is written, forced to disk, and renamed. */
  void replace(Path target, Content content) throws IOException {
    String mark = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt());
    Path temporary = target.resolveSibling("." + target.getFileName() + "." + mark + ".tmp");
    try {
      write(temporary, content);
      files.move(temporary, target);
    } catch (IOException | RuntimeException e) {
      discard(temporary, e);
      throw e;
    }
    files.force(directoryOf(target));
  }

  /** Deletes what {@link #replace} has left in a directory where the process was killed in it. */
  void discardDrafts(Path directory) throws IOException {
    List<Path> drafts;
    try (Stream<Path> list = Files.list(directory)) {
      drafts = list.filter(file -> DRAFT.matcher(file.getFileName().toString()).matches()).toList();
    }
    for (Path draft : drafts) {
      files.delete(draft);
    }
  }

  /** Writes a file in place and forces it to disk; for files that nobody reads yet. */
  void write(Path file, Content content) throws IOException {
    try (WritableByteChannel out = files.create(file)) {
      content.writeTo(out);
    }
    files.force(file);
  }

  /** Creates a directory and those above it. */
  void createDirectories(Path directory) throws IOException {
    if (Files.isDirectory(directory)) {
      return;
    }
    Path parent = directoryOf(directory);
    createDirectories(parent);
    files.createDirectory(directory);
    files.force(parent);
  }

  /** Deletes a directory with everything below it; links are deleted, not followed. */
  void deleteTree(Path root) throws IOException {
    if (Files.isDirectory(root, LinkOption.NOFOLLOW_LINKS)) {
      List<Path> children;
      try (Stream<Path> stream = Files.list(root)) {
        children = stream.sorted().toList();
      }
      for (Path child : children) {
        deleteTree(child);
      }
    }
    files.delete(root);
  }

  /** Deletes what a failed write has left; a failure to do so must not hide the first one. */
  void discard(Path temporary, Exception cause) {
    try {
      deleteTree(temporary);
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  static Path directoryOf(Path file) {
    Path parent = file.toAbsolutePath().normalize().getParent();
    return parent == null ? file.toAbsolutePath() : parent;
  }
}
