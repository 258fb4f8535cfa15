package dev.graft.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.backend.reference.ReferenceBackend;
import dev.graft.core.TokenBatch;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.formats.Json;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelFamily;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.BiFunction;

/** Runs a family's graph on the reference backend and compares its logits with those of loops. */
final class Forward {
  private Forward() {
  }

  /** Reads a configuration; throws if it has faults. */
  static CausalModel read(ModelFamily family, String json) {
    Configuration config = new Configuration("config.json", Json.object(json, "config.json"));
    CausalModel model = family.read(config);
    config.finish();
    return model;
  }

  /**
   * Compares the logits of two rows, one of them padded at the start, in single and in double precision.
   *
   * @param truth logits [seq][vocabulary] of ids and a mask
   */
  static void check(ModelFamily family, String json, Loops loops, int length,
      BiFunction<long[], long[], double[][]> truth) {
    CausalModel model = read(family, json);
    Map<String, HostTensor> weights = new LinkedHashMap<>();
    loops.shapes().forEach((name, shape) -> weights.put(name,
        HostTensor.ofDoubles(Shape.of(shape), loops.weight(name))));
    BaseModel base = new BaseModel(model, TensorSource.of(weights), List.of());
    assertThat(base.unused()).isEmpty();

    int padding = length / 3;
    long[] ids = new Random(length).longs(2L * length, 0, model.vocabulary()).toArray();
    long[] mask = new long[2 * length];
    Arrays.fill(mask, 1);
    Arrays.fill(mask, length, length + padding, 0);
    compare(logits(base, ids, mask, DType.F64), ids, mask, truth, 2e-5);
    compare(logits(base, ids, mask, DType.F32), ids, mask, truth, 1e-4);
  }

  private static HostTensor logits(BaseModel base, long[] ids, long[] mask, DType type) {
    TokenBatch batch = new TokenBatch(2, ids.length / 2, ids, mask, new long[ids.length]);
    try (Session session = new ReferenceBackend().open(SessionOptions.DEFAULT);
        Program program = session.compile(new ModelGraphs(base, GraphOptions.evaluation(type))
            .logits(List.of(RowGroup.base(2)), batch.length(), true))) {
      base.upload(session, type);
      return Objects.requireNonNull(
          program.run(batch.feeds(batch.positions(0, 0), true)).get(ModelGraphs.LOGITS));
    }
  }

  private static void compare(HostTensor actual, long[] ids, long[] mask,
      BiFunction<long[], long[], double[][]> truth, double tolerance) {
    int length = ids.length / 2;
    for (int row = 0; row < 2; row++) {
      double[][] expected = truth.apply(Arrays.copyOfRange(ids, row * length, (row + 1) * length),
          Arrays.copyOfRange(mask, row * length, (row + 1) * length));
      for (int t = 0; t < length; t++) {
        for (int i = 0; mask[row * length + t] == 1 && i < expected[t].length; i++) {
          assertThat(actual.at(((long) row * length + t) * expected[t].length + i))
              .as("row %d, token %d, logit %d in %s", row, t, i, actual.dtype())
              .isCloseTo(expected[t][i], within(tolerance * Math.max(1, Math.abs(expected[t][i]))));
        }
      }
    }
  }
}
