package dev.graft.core.files;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.apiguardian.api.API;

/**
 * Keeps other processes, and other threads of this one, from writing to a folder. The lock is the system's, on a
 * hidden file, and so ends with the process, however that ends; a file that is left over locks nothing. File
 * systems that know no locks are not guarded.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class FolderLock implements AutoCloseable {
  /** The name of the file within a folder. */
  static final String NAME = ".graft-lock";

  /** Beyond the text in the file, which others may so read where a lock keeps readers out. */
  private static final long LOCKED_BYTE = Long.MAX_VALUE - 1;
  /** A file may be deleted between its opening and its locking, by who held it before. */
  private static final int ATTEMPTS = 100;
  private static final int MAX_PID_BYTES = 20;

  private final Path file;
  private final Optional<FileChannel> channel;
  /** The folder, if it was made for the lock. */
  private final Optional<Path> made;

  private FolderLock(Path file, Optional<FileChannel> channel, Optional<Path> made) {
    this.file = file;
    this.channel = channel;
    this.made = made;
  }

  /**
   * Locks a folder by a file in it; the folder is made if there is none, and unmade on closing if it is empty
   * then.
   *
   * @throws GraftException if the folder is locked, or the disk refuses
   */
  public static FolderLock of(Path folder) {
    try {
      boolean absent = Files.notExists(folder);
      SafeFiles.DISK.createDirectories(folder);
      return take(folder.resolve(NAME), folder, absent ? Optional.of(folder) : Optional.empty());
    } catch (IOException e) {
      throw FileFaults.writing(folder, e);
    }
  }

  /**
   * Locks a folder that is to be replaced as a whole, by a file beside it.
   *
   * @throws GraftException if the folder is locked, or the disk refuses
   */
  static FolderLock beside(Path folder) throws IOException {
    SafeFiles.DISK.createDirectories(SafeFiles.directoryOf(folder));
    return take(folder.resolveSibling("." + folder.getFileName() + NAME), folder, Optional.empty());
  }

  private static FolderLock take(Path file, Path folder, Optional<Path> made) throws IOException {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE,
          StandardOpenOption.CREATE);
      try {
        if (!lock(channel, folder)) {
          channel.close();
          Files.deleteIfExists(file);
          return new FolderLock(file, Optional.empty(), made);
        }
        if (bearsName(channel, file)) {
          return new FolderLock(file, Optional.of(channel), made);
        }
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
      channel.close();
    }
    throw inUse(folder, Optional.empty());
  }

  /** Takes the lock, which ends with the channel; returns false if the file system knows none. */
  private static boolean lock(FileChannel channel, Path folder) throws IOException {
    FileLock lock;
    try {
      lock = channel.tryLock(LOCKED_BYTE, 1, false);
    } catch (OverlappingFileLockException e) {
      throw inUse(folder, Optional.of("this process"));
    } catch (IOException e) {
      return false;
    }
    if (lock == null) {
      throw inUse(folder, holder(channel));
    }
    return true;
  }

  /** Tells whether the file that was locked still has its name: else who comes next would lock another. */
  private static boolean bearsName(FileChannel channel, Path file) throws IOException {
    String mark = ProcessHandle.current().pid() + " "
        + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    channel.truncate(0);
    channel.write(ByteBuffer.wrap(mark.getBytes(StandardCharsets.US_ASCII)), 0);
    try {
      return Files.readString(file).equals(mark);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private static Optional<String> holder(FileChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(MAX_PID_BYTES);
    channel.read(bytes, 0);
    String pid = StandardCharsets.US_ASCII.decode(bytes.flip()).toString().split(" ", 2)[0];
    return pid.matches("\\d+") ? Optional.of("process " + pid) : Optional.empty();
  }

  private static GraftException inUse(Path folder, Optional<String> holder) {
    return new GraftException(folder + " is in use: " + holder.orElse("another process") + " writes to it. Wait"
        + " until that has ended, or choose another folder");
  }

  /** Tells whether a name within a folder is that of a lock, which is no content of it. */
  public static boolean isLock(Path file) {
    return Objects.toString(file.getFileName()).endsWith(NAME);
  }

  /** Unlocks the folder. */
  @Override
  public void close() {
    if (channel.isEmpty() || !channel.get().isOpen()) {
      return;
    }
    try (FileChannel held = channel.get()) {
      // While the lock is held, so that nobody who has it loses the file.
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // A file that is left over locks nothing.
    }
    made.ifPresent(FolderLock::deleteIfEmpty);
  }

  private static void deleteIfEmpty(Path folder) {
    try (Stream<Path> list = Files.list(folder)) {
      if (list.findAny().isEmpty()) {
        Files.deleteIfExists(folder);
      }
    } catch (IOException e) {
      // Another process may have begun to use it.
    }
  }
}
