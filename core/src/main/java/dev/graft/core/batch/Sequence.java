package dev.graft.core.batch;

import dev.graft.graph.DType;
import dev.graft.graph.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Describes the sequences of a batch: their padding, the virtual tokens before them, and, while decoding,
 * where in the cache they stand. Slot s of a row is its position in memory, virtual tokens and padding
 * included.
 */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class Sequence {
  private final long rows;
  private final long length;
  private final int virtualTokens;
  private final boolean masked;
  private final long cacheLength;
  private final boolean continuing;
  private final Map<String, Optional<Tensor>> masks = new LinkedHashMap<>();
  private final Tensor step = Tensor.input(Feeds.STEP, DType.I64);

  private Sequence(long rows, long length, int virtualTokens, boolean masked, long cacheLength,
      boolean continuing) {
    this.rows = rows;
    this.length = length;
    this.virtualTokens = virtualTokens;
    this.masked = masked;
    this.cacheLength = cacheLength;
    this.continuing = continuing;
  }

  /** Describes whole sequences: with a mask of padding, or padded at the end if at all. */
  public static Sequence whole(long rows, long length, int virtualTokens, boolean masked) {
    return new Sequence(rows, length, virtualTokens, masked, 0, false);
  }

  /** Describes prompts whose keys and values go to a cache. */
  public static Sequence prompt(long rows, long length, int virtualTokens, long cacheLength) {
    return new Sequence(rows, length, virtualTokens, true, cacheLength, false);
  }

  /** Describes one more token a row, that sees what the cache holds. */
  public static Sequence next(long rows, int virtualTokens, long cacheLength) {
    return new Sequence(rows, 1, virtualTokens, true, cacheLength, true);
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
    return continuing ? Tensor.input(Feeds.SLOT, DType.I64, 1) : Tensor.iota(count);
  }

  /**
   * Returns what targets may see [batch or 1, 1, targets, sources]; empty if that is plain causality.
   *
   * @param window how many slots a target sees, itself included; 0 for all before it
   */
  public Optional<Tensor> mask(long targets, long sources, long window) {
    return masks.computeIfAbsent(targets + " " + sources + " " + window,
        _ -> buildMask(targets, sources, window));
  }

  private Optional<Tensor> buildMask(long targets, long sources, long window) {
    boolean windowed = window > 0 && window < sources;
    if (!masked && !windowed && targets == sources) {
      return Optional.empty();
    }
    Tensor target = continuing
        ? Tensor.input(Feeds.SLOT, DType.I64, 1)
        : Tensor.iota(targets).plus(Tensor.scalar(sources - targets, DType.I64));
    target = target.reshape(1, 1, targets, 1);
    Tensor source = Tensor.iota(sources).reshape(1, 1, 1, sources);
    Tensor seen = source.lessOrEqual(target);
    if (windowed) {
      seen = seen.and(source.greaterThan(target.minus(Tensor.scalar(window, DType.I64))));
    }
    if (masked) {
      seen = seen.and(present(sources).reshape(rows, 1, 1, sources));
    }
    return Optional.of(seen);
  }

  /** Returns which slots hold a token or a virtual one, not padding: BOOL [rows, sources]. */
  private Tensor present(long sources) {
    if (continuing) {
      return Tensor.input(Feeds.ATTENTION_MASK, DType.BOOL, rows, sources);
    }
    Tensor mask = Tensor.input(Feeds.ATTENTION_MASK, DType.BOOL, rows, length);
    if (sources == length) {
      return mask;
    }
    Tensor ones = Tensor.fill(1, DType.BOOL, dev.graft.graph.Shape.of(rows, virtualTokens));
    return Tensor.concat(1, java.util.List.of(ones, mask));
  }
}
