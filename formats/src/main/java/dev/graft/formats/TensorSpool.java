package dev.graft.formats;

import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.apiguardian.api.API;

/**
 * Keeps tensors in a temporary file until they are written in another order, so that they take no memory. The
 * file has no name on Unix, and is deleted on closing elsewhere: a process that is killed leaves none behind.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class TensorSpool implements TensorSource, AutoCloseable {
  private static final int CHUNK = 1 << 24;

  private final Path target;
  private final FileChannel channel;
  private final Arena arena = Arena.ofShared();
  private final Map<String, Place> places = new LinkedHashMap<>();
  private long end;

  private record Place(Signature signature, long offset, long bytes) {}

  private TensorSpool(Path target, FileChannel channel) {
    this.target = target;
    this.channel = channel;
  }

  /**
   * Creates an empty spool on the disk that a file or folder is to be written to.
   *
   * @throws GraftException if the disk refuses
   */
  public static TensorSpool beside(Path target) {
    Path directory = SafeFiles.directoryOf(target);
    String mark = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt());
    Path file = directory.resolve("." + target.getFileName() + "." + mark + ".spool");
    try {
      SafeFiles.DISK.createDirectories(directory);
      return new TensorSpool(target, FileChannel.open(file, StandardOpenOption.CREATE_NEW,
          StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE));
    } catch (IOException e) {
      throw FileFaults.writing(target, e);
    }
  }

  /**
   * Copies a tensor to the file; its memory is not needed afterwards.
   *
   * @throws GraftException if the disk refuses
   */
  public void add(String name, HostTensor tensor) {
    MemorySegment segment = tensor.segment();
    Place place = new Place(new Signature(tensor.dtype(), tensor.shape()), end, segment.byteSize());
    if (places.putIfAbsent(name, place) != null) {
      throw new IllegalArgumentException("The tensor " + name + " is spooled already");
    }
    try {
      for (long at = 0; at < segment.byteSize(); at += CHUNK) {
        ByteBuffer bytes = segment.asSlice(at, Math.min(CHUNK, segment.byteSize() - at)).asByteBuffer();
        while (bytes.hasRemaining()) {
          end += channel.write(bytes, end);
        }
      }
    } catch (IOException e) {
      throw FileFaults.writing(target, e);
    }
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(places.keySet());
  }

  @Override
  public Signature signature(String name) {
    return place(name).signature();
  }

  /** Returns a tensor as a view of the file, valid until {@link #close}. */
  @Override
  public HostTensor tensor(String name) {
    Place place = place(name);
    try {
      return HostTensor.wrap(place.signature().dtype(), place.signature().shape(),
          channel.map(FileChannel.MapMode.READ_ONLY, place.offset(), place.bytes(), arena));
    } catch (IOException e) {
      throw FileFaults.reading(target, e);
    }
  }

  private Place place(String name) {
    Place place = places.get(name);
    if (place == null) {
      throw new GraftException("The tensor " + name + " is missing");
    }
    return place;
  }

  /** Lets the file go; its tensors must not be used afterwards. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
    try {
      channel.close();
    } catch (IOException e) {
      throw FileFaults.writing(target, e);
    }
  }
}
