package dev.graft.formats;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;

/** Names the steps by which files change, so that tests can end a process between any two of them. */
interface FileOperations {
  /** Creates a directory whose parent exists. */
  void createDirectory(Path directory) throws IOException;

  /** Opens a file for writing, empty whether it existed or not. */
  WritableByteChannel create(Path file) throws IOException;

  /** Waits until a file's bytes, or a directory's entries, would survive a loss of power. */
  void force(Path fileOrDirectory) throws IOException;

  /** Renames in one step; what had the new name before is gone. */
  void move(Path from, Path to) throws IOException;

  /** Deletes a file or an empty directory if it exists. */
  void delete(Path fileOrDirectory) throws IOException;
}
