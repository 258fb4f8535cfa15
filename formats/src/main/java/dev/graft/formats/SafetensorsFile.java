package dev.graft.formats;

import dev.graft.error.GraftException;
import dev.graft.formats.SafetensorsHeader.Entry;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
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

  private final OpenFile file;
  private final Arena arena;
  private final MemorySegment data;
  private final SafetensorsHeader header;

  private SafetensorsFile(OpenFile file, Arena arena, MemorySegment data, SafetensorsHeader header) {
    this.file = file;
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
    OpenFile opened = OpenFile.open(file);
    Arena arena = Arena.ofShared();
    try {
      return open(opened, MappedPages.reading(file, () -> opened.map(arena)), arena);
    } catch (RuntimeException | Error e) {
      arena.close();
      opened.close();
      throw e;
    }
  }

  private static SafetensorsFile open(OpenFile opened, MemorySegment all, Arena arena) {
    Path file = opened.path();
    return MappedPages.reading(file, () -> parse(opened, all, arena));
  }

  private static SafetensorsFile parse(OpenFile opened, MemorySegment all, Arena arena) {
    Path file = opened.path();
    long size = all.byteSize();
    StandIns.refuseInBinary(file,
        all.asSlice(0, Math.min(size, StandIns.START)).toArray(ValueLayout.JAVA_BYTE));
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
    return new SafetensorsFile(opened, arena, data, header);
  }

  /** Returns where the file lies. */
  public Path path() {
    return file.path();
  }

  /**
   * Checks that the file still is what was opened. A file that was replaced by another of its name, or deleted,
   * passes: what was opened stays as it was.
   *
   * @throws GraftException if the file was written to since
   */
  public void verifyUnchanged() {
    file.verifyUnchanged();
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
   * @throws GraftException if there is no such tensor, if Graft cannot compute with its type, or if the file was
   *   cut short since it was opened
   */
  @Override
  public HostTensor tensor(String name) {
    Entry entry = entry(name);
    file.verifyLength();
    return HostTensor.wrap(dtype(name, entry), entry.shape(),
        data.asSlice(entry.begin(), entry.end() - entry.begin()));
  }

  /** Unmaps the file; its tensors must not be used afterwards. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
      file.close();
    }
  }

  private Entry entry(String name) {
    Entry entry = header.entries().get(name);
    if (entry == null) {
      throw new GraftException("The tensor " + name + " is missing from " + file.path());
    }
    return entry;
  }

  private DType dtype(String name, Entry entry) {
    return entry.type().dtype().orElseThrow(() -> new GraftException("The tensor " + name + " of "
        + file.path()
        + " has the dtype " + entry.type() + ", which Graft does not read. Weights of such a type belong to a"
        + " quantised model and mean nothing without their scales: take the model that is not quantised"));
  }
}
