package dev.graft.formats;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Changes the files of the machine. */
final class DiskOperations implements FileOperations {
  /** Windows neither opens directories nor needs to: its renames are journaled. */
  private static final boolean DIRECTORIES_OPEN = Path.of("/").getFileSystem().getSeparator().equals("/");

  @Override
  public void createDirectory(Path directory) throws IOException {
    Files.createDirectory(directory);
  }

  @Override
  public WritableByteChannel create(Path file) throws IOException {
    return FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE,
        StandardOpenOption.TRUNCATE_EXISTING);
  }

  @Override
  public void force(Path fileOrDirectory) throws IOException {
    boolean directory = Files.isDirectory(fileOrDirectory);
    if (directory && !DIRECTORIES_OPEN) {
      return;
    }
    try (FileChannel channel = FileChannel.open(fileOrDirectory,
        directory ? StandardOpenOption.READ : StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }

  @Override
  public void move(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
  }

  @Override
  public void delete(Path fileOrDirectory) throws IOException {
    Files.deleteIfExists(fileOrDirectory);
  }
}
