package dev.graft.testkit;

import dev.graft.graph.DType;
import dev.graft.graph.Tensor;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.Layers;
import dev.graft.spi.ModelFamily;
import java.util.Set;

/** Builds the tiny decoder, with at most one fault. */
record TinyFamily(Fault fault) implements ModelFamily {
  enum Fault {
    NONE, SEES_LATER_TOKENS, MIXES_ROWS, COUNTS_POSITIONS_ITSELF, LOSES_A_PARAMETER, LEAVES_THE_COMPUTE_TYPE, NAMES_NO_INPUT, THROWS_AT_JUNK, READS_ANOTHER_TYPE
  }

  @Override
  public String id() {
    return "tiny";
  }

  @Override
  public String description() {
    return "A decoder of two layers";
  }

  @Override
  public Set<String> modelTypes() {
    return Set.of(fault == Fault.READS_ANOTHER_TYPE ? "small" : "tiny");
  }

  @Override
  public CausalModel read(Configuration json) {
    boolean tied = fault == Fault.THROWS_AT_JUNK
        ? (Boolean) json.value("tie_word_embeddings").orElse(true)
        : json.flag("tie_word_embeddings", true);
    return new Model(new TinyModel(tied), fault);
  }

  private record Model(TinyModel tiny, Fault fault) implements CausalModel {
    @Override
    public long vocabulary() {
      return tiny.vocabulary();
    }

    @Override
    public long maxPositions() {
      return tiny.maxPositions();
    }

    @Override
    public Tensor hidden(Layers layers, Tensor ids, Tensor positions) {
      return switch (fault) {
        case NONE, THROWS_AT_JUNK, READS_ANOTHER_TYPE -> tiny.hidden(layers, ids, positions);
        case SEES_LATER_TOKENS -> {
          Tensor x = tiny.hidden(layers, ids, positions);
          yield x.plus(x.mean(1).reshape(x.dim(0), 1, x.dim(2)));
        }
        case MIXES_ROWS -> {
          Tensor x = tiny.hidden(layers, ids, positions);
          yield x.plus(x.sum(0).reshape(1, x.dim(1), x.dim(2)));
        }
        // Right for a whole sequence, and wrong for its continuation.
        case COUNTS_POSITIONS_ITSELF -> tiny.hidden(layers, ids, positions.minus(positions.slice(1, 0, 1)));
        case LOSES_A_PARAMETER -> {
          Tensor x = tiny.hidden(layers, ids, positions);
          yield x.plus(layers.parameter("model.extra.weight", x.dim(2)).times(0));
        }
        case LEAVES_THE_COMPUTE_TYPE ->
          tiny.hidden(layers, ids, positions).cast(DType.F64);
        case NAMES_NO_INPUT -> layers.embedding("model.table", ids, tiny.vocabulary(), 12);
      };
    }

    @Override
    public Tensor logits(Layers layers, Tensor rows) {
      return fault == Fault.NAMES_NO_INPUT
          ? layers.head("lm_head", rows, tiny.vocabulary(), "")
          : tiny.logits(layers, rows);
    }
  }
}
