package dev.graft.formats;

import dev.graft.error.GraftException;
import dev.graft.formats.SafetensorsHeader.Entry;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Reads a safetensors file by mapping it into memory. The header is checked whole before this object exists,
 * so that no tensor can lie outside the file or share bytes with another. Format:
 * {@code https://github.com/huggingface/safetensors}.
 *
 * <p>
 * Tensors are views of the mapping: they cost nothing, and they are valid until {@link #close}.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class SafetensorsFile implements TensorSource, AutoCloseable {
  private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED
      .withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final Arena arena;
  private final MemorySegment data;
  private final SafetensorsHeader header;

  private SafetensorsFile(Path path, Arena arena, MemorySegment data, SafetensorsHeader header) {
    this.path = path;
    this.arena = arena;
    this.data = data;
    this.header = header;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws GraftException if the file is missing, truncated, or contradicts itself; the message names the
   *   file, the tensor and the numbers
   */
  @SuppressWarnings("MustBeClosedChecker") // close() of the result closes the arena
  public static SafetensorsFile open(Path file) {
    Arena arena = Arena.ofShared();
    try {
      return open(file, map(file, arena), arena);
    } catch (IOException e) {
      arena.close();
      throw FileFaults.reading(file, e);
    } catch (RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  private static MemorySegment map(Path file, Arena arena) throws IOException {
    if (Files.notExists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    if (!Files.isRegularFile(file)) {
      throw new GraftException(file + " is not a file");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    }
  }

  private static SafetensorsFile open(Path file, MemorySegment all, Arena arena) {
    long size = all.byteSize();
    if (size < Long.BYTES) {
      throw new GraftException(file + " is truncated: its " + size
          + " bytes do not even hold the 8 bytes that tell the length of the header");
    }
    long length = all.get(LENGTH, 0);
    if (length < 0 || length > SafetensorsHeader.MAX_BYTES) {
      throw new GraftException(file + " declares a header of " + Long.toUnsignedString(length)
          + " bytes, beyond the limit of " + SafetensorsHeader.MAX_BYTES + ": it is no safetensors file");
    }
    if (length > size - Long.BYTES) {
      throw new GraftException(file + " is truncated: it declares a header of " + length + " bytes, but only "
          + (size - Long.BYTES) + " bytes follow");
    }
    if (length < 2) {
      throw new GraftException(file + " declares a header of " + length + " bytes, too short for JSON");
    }
    MemorySegment data = all.asSlice(Long.BYTES + length);
    SafetensorsHeader header = SafetensorsHeader.parse(all.asSlice(Long.BYTES, length).asByteBuffer(),
        data.byteSize(), file.toString());
    return new SafetensorsFile(file, arena, data, header);
  }

  /** Returns where the file lies. */
  public Path path() {
    return path;
  }

  /** Returns the texts under {@code __metadata__}; none if it is absent. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(header.metadata());
  }

  /** Returns the names of all tensors, in the order of their bytes. */
  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(header.entries().keySet());
  }

  /**
   * Returns a tensor's type and shape.
   *
   * @throws GraftException if there is no such tensor, or if Graft cannot compute with its type
   */
  @Override
  public Signature signature(String name) {
    Entry entry = entry(name);
    return new Signature(dtype(name, entry), entry.shape());
  }

  /**
   * Returns a tensor as a view of the mapped file.
   *
   * @throws GraftException if there is no such tensor, or if Graft cannot compute with its type
   */
  @Override
  public HostTensor tensor(String name) {
    Entry entry = entry(name);
    return HostTensor.wrap(dtype(name, entry), entry.shape(),
        data.asSlice(entry.begin(), entry.end() - entry.begin()));
  }

  /** Unmaps the file; its tensors must not be used afterwards. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private Entry entry(String name) {
    Entry entry = header.entries().get(name);
    if (entry == null) {
      throw new GraftException("The tensor " + name + " is missing from " + path);
    }
    return entry;
  }

  private DType dtype(String name, Entry entry) {
    return entry.type().dtype().orElseThrow(() -> new GraftException("The tensor " + name + " of " + path
        + " has the dtype " + entry.type()
        + ", with which Graft cannot compute. Convert it to F32 or BF16."));
  }
}
