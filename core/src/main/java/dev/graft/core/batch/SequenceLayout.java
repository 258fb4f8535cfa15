package dev.graft.core.batch;

import dev.graft.graph.DType;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Describes the sequences of a batch: their padding, the virtual tokens before them, and, while decoding,
 * where in the cache they stand. Slot s of a row is its position in memory, virtual tokens and padding
 * included.
 */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class SequenceLayout {
  private final long rows;
  private final long length;
  private final int virtualTokens;
  private final boolean masked;
  private final long cacheLength;
  private final boolean continuing;
  private final Map<String, Tensor> masks = new LinkedHashMap<>();
  private final Tensor step = Tensor.input(InputNames.STEP, DType.I64);

  private SequenceLayout(long rows, long length, int virtualTokens, boolean masked, long cacheLength,
      boolean continuing) {
    this.rows = rows;
    this.length = length;
    this.virtualTokens = virtualTokens;
    this.masked = masked;
    this.cacheLength = cacheLength;
    this.continuing = continuing;
  }

  /** Describes whole sequences: with a mask of padding, or padded at the end if at all. */
  public static SequenceLayout whole(long rows, long length, int virtualTokens, boolean masked) {
    return new SequenceLayout(rows, length, virtualTokens, masked, 0, false);
  }

  /** Describes prompts whose keys and values go to a cache. */
  public static SequenceLayout prompt(long rows, long length, int virtualTokens, long cacheLength) {
    return new SequenceLayout(rows, length, virtualTokens, true, cacheLength, false);
  }

  /** Describes one more token a row, that sees what the cache holds. */
  public static SequenceLayout next(long rows, int virtualTokens, long cacheLength) {
    return new SequenceLayout(rows, 1, virtualTokens, true, cacheLength, true);
  }

  public long rows() {
    return rows;
  }

  public long cacheLength() {
    return cacheLength;
  }

  public boolean continuing() {
    return continuing;
  }

  public Tensor step() {
    return step;
  }

  /** Returns the slots [count] that this run's keys and values go to. */
  public Tensor slots(long count) {
    return continuing ? Tensor.input(InputNames.SLOT, DType.I64, 1) : Tensor.iota(count);
  }

  /**
   * Returns what targets may see beside what causality and windows say, [rows, 1, 1, sources]: no padding, and
   * while decoding, where the slot is fed, no source before the window; empty if that is all.
   *
   * @param window how many slots a target sees, itself included; 0 for all before it
   */
  public Optional<Tensor> mask(long sources, long window) {
    boolean fed = continuing && window > 0 && window < sources;
    return masked
        ? Optional.of(masks.computeIfAbsent(sources + " " + (fed ? window : 0),
            _ -> fed ? present(sources).and(inWindow(sources, window)) : present(sources)))
        : Optional.empty();
  }

  private Tensor inWindow(long sources, long window) {
    Tensor before = Tensor.input(InputNames.SLOT, DType.I64, 1).minus(window).reshape(1, 1, 1, 1);
    return Tensor.iota(sources).reshape(1, 1, 1, sources).greaterThan(before);
  }

  /**
   * Returns which slots hold a token or a virtual one, not padding: BOOL [rows, 1, 1, sources]. While decoding,
   * slots that are still to be filled count as padding.
   */
  private Tensor present(long sources) {
    if (continuing) {
      return Tensor.input(InputNames.ATTENTION_MASK, DType.BOOL, rows, sources).reshape(rows, 1, 1, sources);
    }
    Tensor mask = Tensor.input(InputNames.ATTENTION_MASK, DType.BOOL, rows, length);
    Tensor all = sources == length
        ? mask
        : Tensor.concat(1, List.of(Tensor.fill(1, DType.BOOL, Shape.of(rows, virtualTokens)), mask));
    return all.reshape(rows, 1, 1, sources);
  }
}
