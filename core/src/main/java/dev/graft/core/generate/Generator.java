package dev.graft.core.generate;

import dev.graft.core.GenerationOptions;
import dev.graft.core.batch.Feeds;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Session;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;

/** Continues prompts. The session holds the base model's variables and the adapters'. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Generator implements AutoCloseable {
  private final Session session;
  private final long maxPositions;
  private final ModelGraphs graphs;
  private final Map<Key, DecodeProgram> programs = new HashMap<>();

  private record Key(List<RowGroup> groups, int length, int cacheLength, boolean prompt) {}

  /** Hears of tokens as they are chosen. */
  @FunctionalInterface
  public interface TokenListener {
    /** Hears that a row goes on with a token; rows that have ended are not reported. */
    void token(int row, long token);
  }

  /** Prepares generation in a compute type, the one in which the session holds the base model. */
  public Generator(Session session, BaseModel base, DType computeType) {
    this.session = session;
    this.maxPositions = base.model().maxPositions();
    this.graphs = new ModelGraphs(base, GraphOptions.evaluation(computeType));
  }

  /**
   * Continues a batch of prompts, padded at the start.
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
    int length = ids[0].length;
    if (groups.getLast().to() != rows) {
      throw new GraftException("The adapters are given " + groups.getLast().to() + " rows, but there are "
          + rows + " prompts");
    }
    int virtual = groups.getFirst().virtualTokens();
    requireRoom(virtual, length, options.maxNewTokens());
    int inputTokens = ModelGraphs.inputTokens(groups.getFirst());
    int cacheLength = virtual + length + options.maxNewTokens();
    DecodeProgram prompt = program(new Key(groups, length, cacheLength, true));

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
    feeds.put(Feeds.IDS, matrix(DType.I64, ids));
    feeds.put(Feeds.POSITIONS, positions);
    feeds.put(Feeds.ATTENTION_MASK, matrix(DType.BOOL, mask));
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
          java.util.Arrays.fill(out[row], i + 1, options.maxNewTokens(), options.padId());
        }
        return out;
      }
      if (i + 1 < options.maxNewTokens()) {
        DecodeProgram next = program(new Key(groups, 1, cacheLength, false));
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
    feeds.put(Feeds.IDS, ids);
    feeds.put(Feeds.POSITIONS, positions);
    feeds.put(Feeds.ATTENTION_MASK, cacheMask);
    feeds.put(Feeds.SLOT, HostTensor.ofLongs(Shape.of(1), slot));
    return program.run(feeds);
  }

  private DecodeProgram program(Key key) {
    return programs.computeIfAbsent(key, k -> k.prompt()
        ? DecodeProgram.single(session, graphs.prompt(k.groups(), k.length(), k.cacheLength()))
        : DecodeProgram.repeated(session, graphs.next(k.groups(), k.cacheLength())));
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
    programs.values().forEach(DecodeProgram::close);
    programs.clear();
  }
}
