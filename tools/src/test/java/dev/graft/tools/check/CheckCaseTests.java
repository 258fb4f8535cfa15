package dev.graft.tools.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.TokenBatch;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.LoadedModel;
import dev.graft.formats.SafetensorsWriter;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import dev.graft.tools.SmallLlama;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Plants one fault at a time in a case that passes. The results to compare with are computed in F64. */
class CheckCaseTests {
  private static final TokenBatch BATCH = new TokenBatch(2, 4, new long[]{3, 5, 7, 11, 13, 17, 0, 0},
      new long[]{1, 1, 1, 1, 1, 1, 0, 0}, new long[]{3, 5, 7, 11, 13, 17, -100, -100});
  private static final Shape SHAPE = Shape.of(2, 4);

  @TempDir
  Path folder;

  private HostTensor logits;

  @BeforeEach
  void write() throws IOException {
    Path model = SmallLlama.write(folder.resolve("model"), DType.F32);
    logits = logits(model);
    SafetensorsWriter.pytorch().write(folder.resolve("batch.safetensors"), TensorSource.of(Map.of(
        "input_ids", HostTensor.ofLongs(SHAPE, BATCH.ids()), "attention_mask",
        HostTensor.ofLongs(SHAPE, BATCH.mask()), "labels", HostTensor.ofLongs(SHAPE, BATCH.labels()))));
    expect(logits, loss());
    write("{\"kind\": \"forward\"}");
  }

  private static HostTensor logits(Path folder) {
    try (LoadedModel model = SmallLlama.open(folder);
        Session session = SmallLlama.backend().open(SessionOptions.DEFAULT)) {
      model.base().upload(session, DType.F64);
      Graph graph = new ModelGraphs(model.base(), GraphOptions.evaluation(DType.F64))
          .logits(List.of(RowGroup.base(2)), 4, true);
      try (Program program = session.compile(graph)) {
        return Objects.requireNonNull(
            program.run(BATCH.feeds(BATCH.positions(0, 0), true)).get(ModelGraphs.LOGITS));
      }
    }
  }

  /** Takes the mean cross entropy of the labels in plain loops. */
  private double loss() {
    int vocabulary = Math.toIntExact(SmallLlama.VOCABULARY);
    double sum = 0;
    int count = 0;
    for (int i = 0; i < BATCH.ids().length; i++) {
      if (i % 4 > 0 && BATCH.labels()[i] >= 0) {
        double total = 0;
        for (int v = 0; v < vocabulary; v++) {
          total += Math.exp(logits.at((i - 1L) * vocabulary + v));
        }
        sum += Math.log(total) - logits.at((i - 1L) * vocabulary + BATCH.labels()[i]);
        count++;
      }
    }
    return sum / count;
  }

  private void expect(HostTensor expected, double loss) {
    SafetensorsWriter.pytorch().write(folder.resolve("expect.safetensors"), TensorSource
        .of(Map.of("logits", expected.cast(DType.F32), "loss", HostTensor.scalar(DType.F32, loss))));
  }

  private void write(String json) throws IOException {
    Files.writeString(folder.resolve("case.json"), json);
  }

  private CheckResult check() {
    return CheckCase.run(folder, SmallLlama.PLUGINS, SmallLlama.backend(), DType.F32);
  }

  private HostTensor changed(long index, double by) {
    HostTensor copy = HostTensor.ofDoubles(logits.shape(), logits.toDoubles());
    copy.set(index, copy.at(index) + by);
    return copy;
  }

  @Test
  void theRightResultsPass() {
    CheckResult result = check();
    assertThat(result.passed()).as(result.detail()).isTrue();
    assertThat(result.name()).isEqualTo(folder.getFileName().toString());
    assertThat(result.backend()).isEqualTo("reference");
    assertThat(result.worst()).isBetween(0.0, 0.5);
  }

  @Test
  void oneWrongLogitFailsByAsMuchAsItIsWrong() {
    long index = 2 * SmallLlama.VOCABULARY + 5;
    expect(changed(index, 0.01), loss());
    CheckResult result = check();
    assertThat(result.passed()).isFalse();
    assertThat(result.detail()).contains("logits").doesNotContain("loss");
    // |a − b| ≤ atol + rtol·|b|, both 1e-4 if the case says nothing else.
    assertThat(result.worst()).isCloseTo(0.01 / (1e-4 + 1e-4 * Math.abs(logits.at(index) + 0.01)),
        within(1.0));
  }

  @Test
  void aCaseMayHaveATolerance() throws IOException {
    expect(changed(5, 0.01), loss());
    write("{\"kind\": \"forward\", \"tolerance\": {\"atol\": 0.02, \"rtol\": 0}}");
    CheckResult result = check();
    assertThat(result.passed()).as(result.detail()).isTrue();
    assertThat(result.worst()).isCloseTo(0.5, within(0.01));
  }

  @Test
  void paddingIsComparedIfTheCaseSaysSo() throws IOException {
    long padding = 7 * SmallLlama.VOCABULARY + 1;
    expect(changed(padding, 1), loss());
    assertThat(check().passed()).isTrue();
    write("{\"kind\": \"forward\", \"compare\": \"all\"}");
    assertThat(check().passed()).isFalse();
  }

  @Test
  void aWrongLossIsNamed() {
    expect(logits, loss() + 0.01);
    CheckResult result = check();
    assertThat(result.passed()).isFalse();
    assertThat(result.detail()).contains("loss").doesNotContain("logits");
  }

  @Test
  void resultsThatAreNoNumbersFail() {
    expect(changed(0, Double.NaN), loss());
    CheckResult result = check();
    assertThat(result.passed()).isFalse();
    assertThat(result.worst()).isInfinite();
  }

  @Test
  void anotherShapeIsNamedWithBoth() {
    expect(HostTensor.zeros(DType.F32, Shape.of(2, 3, SmallLlama.VOCABULARY)), loss());
    CheckResult result = check();
    assertThat(result.passed()).isFalse();
    assertThat(result.detail()).contains("logits has shape", "2, 4, 24", "2, 3, 24");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"{\"kind\": \"backward\"} | kind \"backward\" is not known",
    "{\"kind\": \"forward\", \"model\": \"nowhere\"} | nowhere",
    "{\"kind\": \"forward\", \"adapter\": \"nowhere\"} | nowhere",
    "{\"kind\": \"gradients\"} | \"adapter\" is missing",
    "{\"kind\": \"train\"} | \"adapter\" is missing",
    "{ | case.json"})
  void whatACaseLacksIsNamed(String json, String fault) throws IOException {
    write(json);
    CheckResult result = check();
    assertThat(result.passed()).isFalse();
    assertThat(result.detail()).contains(fault);
  }

  @ParameterizedTest
  @CsvSource({"batch", "expect"})
  void aFileThatIsGoneIsNamed(String file) throws IOException {
    Files.delete(folder.resolve(file + ".safetensors"));
    CheckResult result = check();
    assertThat(result.passed()).isFalse();
    assertThat(result.detail()).contains(file + ".safetensors");
  }

  @Test
  void aRefusalMustMentionEveryWord() throws IOException {
    String missing = "{\"kind\": \"forward\", \"model\": \"nowhere\", \"expect_error_mentions\": ";
    write(missing + "[\"NOWHERE\", [\"absent\", \"config.json\"]]}");
    assertThat(check().passed()).isTrue();
    write(missing + "[\"nowhere\", \"giraffe\"]}");
    assertThat(check().passed()).isFalse();
    assertThat(check().detail()).contains("does not mention giraffe");
    write(missing + "[[\"giraffe\", \"zebra\"]]}");
    assertThat(check().passed()).isFalse();
  }

  @Test
  void whatIsLoadedThoughItMustBeRefusedFails() throws IOException {
    write("{\"kind\": \"forward\", \"what\": \"a sound model\", \"expect_error_mentions\": [\"model\"]}");
    CheckResult result = check();
    assertThat(result.passed()).isFalse();
    assertThat(result.detail()).contains("was loaded, but must be refused: a sound model");
  }
}
