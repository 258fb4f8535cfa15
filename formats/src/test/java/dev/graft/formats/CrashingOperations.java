package dev.graft.formats;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Ends the process, so to speak, before one step of many: from then on no step does anything. A step that
 * writes can be cut in half, and a loss of power can take the bytes that were not forced to disk.
 */
final class CrashingOperations implements FileOperations {
  /** Stands for the end of the process; no code may catch it. */
  static final class Crash extends Error {
    private static final long serialVersionUID = 1L;
  }

  private final DiskOperations disk = new DiskOperations();
  private final int lastStep;
  private final boolean losesPower;
  private final Set<Path> unforced = new LinkedHashSet<>();
  private int step;
  private boolean crashed;

  /** Creates operations of which so many are done. */
  CrashingOperations(int steps, boolean losesPower) {
    this.lastStep = steps;
    this.losesPower = losesPower;
  }

  boolean crashed() {
    return crashed;
  }

  private void step() {
    if (crashed || step == lastStep) {
      crash();
    }
    step++;
  }

  private void crash() {
    if (!crashed && losesPower) {
      for (Path file : unforced) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
          channel.truncate(channel.size() / 2);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
    crashed = true;
    throw new Crash();
  }

  @Override
  public void createDirectory(Path directory) throws IOException {
    step();
    disk.createDirectory(directory);
  }

  @Override
  public WritableByteChannel create(Path file) throws IOException {
    step();
    WritableByteChannel channel = disk.create(file);
    unforced.add(file);
    return new WritableByteChannel() {
      @Override
      public int write(ByteBuffer source) throws IOException {
        if (step == lastStep && !crashed) {
          channel.write(source.slice().limit(source.remaining() / 2));
        }
        step();
        return channel.write(source);
      }

      @Override
      public boolean isOpen() {
        return channel.isOpen();
      }

      @Override
      public void close() throws IOException {
        channel.close();
      }
    };
  }

  @Override
  public void force(Path fileOrDirectory) {
    step();
    unforced.remove(fileOrDirectory);
  }

  @Override
  public void move(Path from, Path to) throws IOException {
    step();
    disk.move(from, to);
    List<Path> moved = new ArrayList<>();
    for (Path file : unforced) {
      moved.add(file.startsWith(from) ? to.resolve(from.relativize(file)) : file);
    }
    unforced.clear();
    unforced.addAll(moved);
  }

  @Override
  public void delete(Path fileOrDirectory) throws IOException {
    if (Files.notExists(fileOrDirectory)) {
      return;
    }
    step();
    disk.delete(fileOrDirectory);
    unforced.remove(fileOrDirectory);
  }
}
