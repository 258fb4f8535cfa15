package dev.graft.tools.check;

import dev.graft.core.TokenBatch;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.batch.BatchLayout;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Holds a case's model and adapters, uploaded.
 *
 * @param check the case
 * @param session holds the variables
 * @param base the model
 * @param adapters by name; a case's only adapter is {@link #ADAPTER}
 */
record ModelCase(Case check, Session session, BaseModel base, Map<String, Attachment> adapters) {
  static final String ADAPTER = "checked";

  /** Compares one kind of results. */
  interface Kind {
    void compare(ModelCase open);

    /** Tells whether adapters are to be opened for training. */
    default boolean training() {
      return false;
    }
  }

  /** Opens the model and the adapters of a case, compares, and closes them. */
  static void run(Case check, Kind kind) {
    try (LoadedModel model = LoadedModel.open(check.path(check.json().text("model", "model")),
        check.plugins());
        Session session = check.backend().open(SessionOptions.DEFAULT)) {
      check.comparison().note(model.notes());
      Map<String, Attachment> adapters = new LinkedHashMap<>();
      List<LoadedModel.LoadedAdapter> open = new ArrayList<>();
      try {
        paths(check).forEach((name, path) -> {
          LoadedModel.LoadedAdapter adapter = model.adapter(check.path(path), kind.training());
          open.add(adapter);
          adapters.put(name, adapter.attachment());
          check.comparison().note(adapter.attachment().notes());
          AdapterWeights.upload(session, name, adapter.values(), check.type().accumulator());
        });
        model.base().upload(session, check.type());
        kind.compare(new ModelCase(check, session, model.base(), adapters));
      } finally {
        open.forEach(LoadedModel.LoadedAdapter::close);
      }
    }
  }

  private static Map<String, String> paths(Case check) {
    Map<String, String> paths = new LinkedHashMap<>();
    check.json().optionalText("adapter").ifPresent(path -> paths.put(ADAPTER, path));
    check.json().section("adapters").ifPresent(
        section -> section.values().forEach((name, path) -> paths.put(name, String.valueOf(path))));
    return paths;
  }

  DType type() {
    return check.type();
  }

  Comparison comparison() {
    return check.comparison();
  }

  /** Returns the case's only adapter, if it has one. */
  Optional<Attachment> adapter() {
    return Optional.ofNullable(adapters.get(ADAPTER));
  }

  Attachment requiredAdapter() {
    return adapter().orElseThrow(() -> new GraftException(check.json().source()
        + ": \"adapter\" is missing, and this kind is about one"));
  }

  /** Gives all rows of a batch the case's only adapter, or the base model. */
  RowGroup allRows(long rows) {
    return new RowGroup(ADAPTER, adapter(), 0, rows);
  }

  /** Reads one batch of a file: that which is alone in it, or one of a stack. */
  static TokenBatch batch(SafetensorsFile file, long index) {
    HostTensor ids = file.tensor("input_ids");
    int rank = ids.shape().rank();
    int rows = Math.toIntExact(ids.shape().dim(rank - 2));
    int length = Math.toIntExact(ids.shape().dim(rank - 1));
    return new TokenBatch(rows, length, part(ids, index, rows * length),
        part(file.tensor("attention_mask"), index, rows * length),
        part(file.tensor("labels"), index, rows * length));
  }

  static long[] part(HostTensor tensor, long index, int size) {
    long[] out = new long[size];
    for (int i = 0; i < size; i++) {
      out[i] = tensor.integerAt(index * size + i);
    }
    return out;
  }

  void compareLogits(List<RowGroup> groups, TokenBatch batch, HostTensor expected) {
    compareLogits(base, groups, batch, expected, "logits", check.tolerance("tolerance", Case.LOGITS));
  }

  void compareLogits(BaseModel model, List<RowGroup> groups, TokenBatch batch, HostTensor expected,
      String what, Tolerance tolerance) {
    int inputTokens = ModelGraphs.inputTokens(groups.getFirst());
    int keyTokens = groups.getFirst().virtualTokens() - inputTokens;
    Graph graph = new ModelGraphs(model, GraphOptions.evaluation(type())).logits(groups, batch.length(),
        true);
    try (Program program = session.compile(graph)) {
      HostTensor all = Objects.requireNonNull(
          program.run(batch.feeds(batch.positions(inputTokens, keyTokens), true)).get(ModelGraphs.LOGITS));
      HostTensor real = withoutVirtual(all, inputTokens);
      boolean attended = check.json().text("compare", "attended").equals("attended");
      long vocabulary = real.shape().dim(2);
      comparison().compare(what, real, expected, tolerance,
          i -> !attended || batch.mask()[Math.toIntExact(i / vocabulary)] != 0);
    }
  }

  private static HostTensor withoutVirtual(HostTensor logits, int virtual) {
    if (virtual == 0) {
      return logits;
    }
    long rows = logits.shape().dim(0);
    long length = logits.shape().dim(1) - virtual;
    long width = logits.shape().dim(2);
    HostTensor out = HostTensor.zeros(logits.dtype(), logits.shape().with(1, length));
    for (long row = 0; row < rows; row++) {
      for (long i = 0; i < length * width; i++) {
        out.set(row * length * width + i, logits.at((row * (length + virtual) + virtual) * width + i));
      }
    }
    return out;
  }

  /** Lays a batch out for the loss of a group. */
  static BatchLayout layout(TokenBatch batch, RowGroup group) {
    return BatchLayout.withMask(batch, ModelGraphs.inputTokens(group));
  }

  /** Builds the feeds of the mean loss over a batch's labels. */
  Map<String, HostTensor> lossFeeds(TokenBatch batch, RowGroup group) {
    int inputTokens = ModelGraphs.inputTokens(group);
    BatchLayout layout = layout(batch, group);
    return layout.feeds(batch, inputTokens, group.virtualTokens() - inputTokens, 1.0 / layout.labels(),
        type().accumulator());
  }
}
