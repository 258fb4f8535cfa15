package dev.graft.formats;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
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
  private static final int MAX_LENGTH = 1 << 16;

  private final Path file;
  private final Optional<FileChannel> channel;
  /** The folder, if it was made for the lock. */
  private final Optional<Path> made;
  private final AtomicBoolean closed = new AtomicBoolean();

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
      Optional<Path> made = Files.notExists(folder) ? Optional.of(folder) : Optional.empty();
      for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        SafeFiles.DISK.createDirectories(folder);
        try {
          return take(folder.toRealPath().resolve(NAME), folder, made);
        } catch (NoSuchFileException e) {
          // Who made the folder for a lock has just unmade it.
        }
      }
      throw inUse(folder, Optional.empty());
    } catch (IOException e) {
      throw FileFaults.writing(folder, e);
    }
  }

  /**
   * Locks a folder that is to be replaced as a whole, by a file beside it.
   *
   * @throws GraftException if the folder is locked
   */
  static FolderLock beside(Path folder) throws IOException {
    Path parent = SafeFiles.directoryOf(folder);
    SafeFiles.DISK.createDirectories(parent);
    return take(parent.toRealPath().resolve("." + folder.getFileName() + NAME), folder, Optional.empty());
  }

  private static FolderLock take(Path file, Path folder, Optional<Path> made) throws IOException {
    // The system's lock is the whole process's, and lost as soon as the process closes the file anywhere: so this
    // must be known for all of the process before the file is opened.
    if (System.getProperties().putIfAbsent(property(file), "locked") != null) {
      throw inUse(folder, Optional.of("this process"));
    }
    try {
      return new FolderLock(file, open(file, folder), made);
    } catch (IOException | RuntimeException e) {
      System.getProperties().remove(property(file));
      throw e;
    }
  }

  private static String property(Path file) {
    return FolderLock.class.getName() + " " + file;
  }

  /** Opens and locks the file; returns none if the file system has no locks. */
  private static Optional<FileChannel> open(Path file, Path folder) throws IOException {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE,
          StandardOpenOption.CREATE);
      try {
        if (!lock(channel, folder)) {
          channel.close();
          return Optional.empty();
        }
        if (bearsName(channel, file)) {
          String pid = Long.toString(ProcessHandle.current().pid());
          channel.truncate(0);
          channel.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)), 0);
          return Optional.of(channel);
        }
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
      channel.close();
    }
    throw inUse(folder, Optional.empty());
  }

  /** Takes the lock, which ends with the channel; returns false if the file system has none. */
  private static boolean lock(FileChannel channel, Path folder) throws IOException {
    FileLock lock;
    try {
      lock = channel.tryLock(LOCKED_BYTE, 1, false);
    } catch (IOException e) {
      return false;
    }
    if (lock == null) {
      throw inUse(folder, holder(channel));
    }
    return true;
  }

  /**
   * Tells whether the file that was locked still has its name: who held it before may have deleted it, and then who
   * comes next would lock another. Its length tells, which is asked for without opening the file.
   */
  private static boolean bearsName(FileChannel channel, Path file) throws IOException {
    for (int round = 0; round < 2; round++) {
      int length = 1 + ThreadLocalRandom.current().nextInt(MAX_LENGTH);
      channel.truncate(0);
      channel.write(ByteBuffer.allocate(1), length - 1L);
      try {
        if (Files.size(file) != length) {
          return false;
        }
      } catch (NoSuchFileException e) {
        return false;
      }
    }
    return true;
  }

  private static Optional<String> holder(FileChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(MAX_PID_BYTES);
    channel.read(bytes, 0);
    String pid = StandardCharsets.US_ASCII.decode(bytes.flip()).toString();
    return pid.matches("\\d+") ? Optional.of("process " + pid) : Optional.empty();
  }

  private static GraftException inUse(Path folder, Optional<String> holder) {
    return new GraftException(
        folder + " is in use: " + holder.orElse("another process") + " writes to it. Wait"
            + " until that has ended, or choose another folder");
  }

  /** Tells whether a name within a folder is that of a lock, which is no content of it. */
  public static boolean isLock(Path file) {
    return Objects.toString(file.getFileName()).endsWith(NAME);
  }

  /** Unlocks the folder. */
  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    channel.ifPresent(this::delete);
    System.getProperties().remove(property(file));
    made.ifPresent(FolderLock::deleteIfEmpty);
  }

  private void delete(FileChannel held) {
    try (held) {
      // While the lock is held, so that nobody who has it loses the file.
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // A file that is left over locks nothing.
    }
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
