package dev.graft.core.generate;

import dev.graft.core.GenerationOptions;
import dev.graft.core.TokenListener;
import dev.graft.core.batch.InputNames;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Preferences;
import dev.graft.spi.Session;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apiguardian.api.API;

/**
 * Continues prompts. The session holds the base model's variables and the adapters'.
 *
 * <p>
 * Programs are kept for the compositions of rows and the lengths that were used last. Lengths are rounded up,
 * so that prompts of about the same length share them: what a prompt lacks is padded at its start.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Generator implements AutoCloseable {
  private final Session session;
  private final long maxPositions;
  private final ModelGraphs graphs;
  /** Each keeps a cache of keys and values. */
  private static final int MOST_KEPT = 4;
  private static final int SHORTEST = 16;

  private final Map<Key, Decoding> kept = new LinkedHashMap<>(MOST_KEPT, 0.75f, true);

  private record Key(List<RowGroup> groups, int cacheLength) {}

  /** Prepares generation in a compute type, the one in which the session holds the base model. */
  public Generator(Session session, BaseModel base, DType computeType) {
    this(session, base, computeType, Preferences.CPU);
  }

  /**
   * Prepares generation in a compute type, the one in which the session holds the base model.
   *
   * @param preferences of the session's backend
   */
  public Generator(Session session, BaseModel base, DType computeType, Preferences preferences) {
    this.session = session;
    this.maxPositions = base.model().maxPositions();
    this.graphs = new ModelGraphs(base, GraphOptions.evaluation(computeType), preferences);
  }

  /**
   * Continues a batch of prompts, padded at the start. Adapters may have changed since the last call, but not
   * their shapes: see {@link #forget}.
   *
   * @param groups which rows use which adapter
   * @param ids prompts [rows][length]
   * @param mask 1 for a token, 0 for padding: [rows][length]
   * @return new tokens alone, [rows][maxNewTokens]; rows that end early are filled with the pad id
   * @throws GraftException if the prompts and the new tokens need more positions than the model has
   */
  public long[][] generate(List<RowGroup> groups, long[][] ids, long[][] mask, GenerationOptions options,
      TokenListener listener) {
    int rows = ids.length;
    if (groups.getLast().to() != rows) {
      throw new GraftException("The adapters are given " + groups.getLast().to() + " rows, but there are "
          + rows + " prompts");
    }
    int virtual = groups.getFirst().virtualTokens();
    requireRoom(virtual, ids[0].length, options.maxNewTokens());
    return generate(decoding(groups, ids[0].length, options.maxNewTokens()), groups.getFirst(),
        padded(ids, options.padId()), padded(mask, 0), options, listener);
  }

  private Decoding decoding(List<RowGroup> groups, int length, int newTokens) {
    int cacheLength = groups.getFirst().virtualTokens() + roundedUp(length) + roundedUp(newTokens);
    Key key = new Key(List.copyOf(groups), cacheLength);
    Decoding known = kept.get(key);
    if (known != null) {
      return known;
    }
    while (kept.size() >= MOST_KEPT) {
      Key oldest = kept.keySet().iterator().next();
      Objects.requireNonNull(kept.remove(oldest)).close();
    }
    Decoding decoding = new Decoding(session, graphs, key.groups(), cacheLength);
    kept.put(key, decoding);
    return decoding;
  }

  /** Rounds a length up by a quarter at most, or to a few tokens. */
  private static int roundedUp(int length) {
    int unit = Math.max(SHORTEST, Integer.highestOneBit(length) / 4);
    return (length + unit - 1) / unit * unit;
  }

  /** Fills rows up at their start. */
  private static long[][] padded(long[][] rows, long with) {
    int length = rows[0].length;
    int wanted = roundedUp(length);
    long[][] padded = new long[rows.length][wanted];
    for (int row = 0; row < rows.length; row++) {
      Arrays.fill(padded[row], 0, wanted - length, with);
      System.arraycopy(rows[row], 0, padded[row], wanted - length, length);
    }
    return padded;
  }

  private static long[][] generate(Decoding decoding, RowGroup first, long[][] ids, long[][] mask,
      GenerationOptions options, TokenListener listener) {
    int rows = ids.length;
    int length = ids[0].length;
    int virtual = first.virtualTokens();
    int inputTokens = ModelGraphs.inputTokens(first);
    int cacheLength = decoding.cacheLength();
    DecodeProgram prompt = decoding.prompt(length);

    long[] present = new long[rows];
    HostTensor positions = HostTensor.zeros(DType.I64, Shape.of(rows, inputTokens + length));
    HostTensor cacheMask = HostTensor.zeros(DType.BOOL, Shape.of(rows, cacheLength));
    for (int row = 0; row < rows; row++) {
      long at = (long) row * (inputTokens + length);
      for (int i = 0; i < inputTokens; i++) {
        positions.set(at + i, i);
      }
      for (int i = 0; i < virtual; i++) {
        cacheMask.set((long) row * cacheLength + i, 1L);
      }
      for (int i = 0; i < length; i++) {
        present[row] += mask[row][i];
        positions.set(at + inputTokens + i, virtual + Math.max(0, present[row] - 1));
        cacheMask.set((long) row * cacheLength + virtual + i, mask[row][i]);
      }
    }
    Map<String, HostTensor> feeds = new LinkedHashMap<>();
    feeds.put(InputNames.IDS, matrix(DType.I64, ids));
    feeds.put(InputNames.POSITIONS, positions);
    feeds.put(InputNames.ATTENTION_MASK, matrix(DType.BOOL, mask));
    HostTensor logits = prompt.run(feeds);

    TokenSampler sampler = new TokenSampler(options);
    long[][] out = new long[rows][options.maxNewTokens()];
    boolean[] ended = new boolean[rows];
    for (int i = 0; i < options.maxNewTokens(); i++) {
      boolean going = false;
      for (int row = 0; row < rows; row++) {
        out[row][i] = ended[row] ? options.padId() : sampler.choose(logits, row);
        if (!ended[row]) {
          ended[row] = options.stopIds().contains(out[row][i]);
          listener.token(row, out[row][i]);
        }
        going |= !ended[row];
      }
      if (!going) {
        for (int row = 0; row < rows; row++) {
          Arrays.fill(out[row], i + 1, options.maxNewTokens(), options.padId());
        }
        return out;
      }
      if (i + 1 < options.maxNewTokens()) {
        DecodeProgram next = decoding.next();
        if (i == 0) {
          // Adapters may have changed since the last call, and cannot during this one.
          next.begin();
        }
        logits = next(next, out, i, virtual + length, cacheLength, present, virtual, cacheMask);
      }
    }
    return out;
  }

  private void requireRoom(int virtual, long length, int newTokens) {
    if (virtual + length + newTokens > maxPositions) {
      throw new GraftException("A prompt of " + length + " tokens"
          + (virtual > 0 ? ", the adapter's " + virtual + " virtual ones" : "") + " and " + newTokens
          + " new ones do not fit: the model has " + maxPositions
          + " positions. Shorten the prompt or ask for"
          + " fewer new tokens");
    }
  }

  private static HostTensor next(DecodeProgram program, long[][] out, int i, int promptLength,
      int cacheLength,
      long[] present, int virtual, HostTensor cacheMask) {
    int rows = out.length;
    long slot = promptLength + i;
    HostTensor ids = HostTensor.zeros(DType.I64, Shape.of(rows, 1));
    HostTensor positions = HostTensor.zeros(DType.I64, Shape.of(rows, 1));
    for (int row = 0; row < rows; row++) {
      ids.set(row, out[row][i]);
      positions.set(row, virtual + present[row] + i);
      cacheMask.set(row * (long) cacheLength + slot, 1L);
    }
    Map<String, HostTensor> feeds = new LinkedHashMap<>();
    feeds.put(InputNames.IDS, ids);
    feeds.put(InputNames.POSITIONS, positions);
    feeds.put(InputNames.ATTENTION_MASK, cacheMask);
    feeds.put(InputNames.SLOT, HostTensor.ofLongs(Shape.of(1), slot));
    return program.run(feeds);
  }

  /** Frees what is kept for an adapter, whose tensors may then be freed or become others. */
  public void forget(String adapter) {
    kept.entrySet().removeIf(entry -> {
      boolean used = entry.getValue().uses(adapter);
      if (used) {
        entry.getValue().close();
      }
      return used;
    });
  }

  private static HostTensor matrix(DType type, long[][] values) {
    HostTensor tensor = HostTensor.zeros(type, Shape.of(values.length, values[0].length));
    for (int row = 0; row < values.length; row++) {
      for (int i = 0; i < values[row].length; i++) {
        tensor.set((long) row * values[row].length + i, values[row][i]);
      }
    }
    return tensor;
  }

  /** Frees the programs, and the cache of keys and values. */
  @Override
  public void close() {
    List<Decoding> all = List.copyOf(kept.values());
    kept.clear();
    all.forEach(Decoding::close);
  }
}
