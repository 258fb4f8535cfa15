package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.formats.AdapterFolder;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compares what the command writes with sums in double precision over the files it was made of. */
class CombineCommandTests {
  private static final String PREFIX = "base_model.model.model.layers.%d.self_attn.%s_proj.lora_%s.weight";
  private static final int WIDTH = 64;

  @TempDir
  Path folder;

  /** Writes an adapter in PEFT's format, of modules of the form [64, 64]: q, o or both. */
  private Path adapter(String name, int rank, double alpha, List<String> modules, Map<String, ?> more) {
    Random random = new Random(name.hashCode());
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    for (int layer = 0; layer < 2; layer++) {
      for (String module : modules) {
        tensors.put(PREFIX.formatted(layer, module, "A"), random(random, rank, WIDTH));
        tensors.put(PREFIX.formatted(layer, module, "B"), random(random, WIDTH, rank));
      }
    }
    return save(name, rank, alpha, modules.stream().map(m -> m + "_proj").toList(), tensors, more);
  }

  private Path save(String name, int rank, double alpha, List<String> targets,
      Map<String, HostTensor> tensors, Map<String, ?> more) {
    Map<String, Object> config = new LinkedHashMap<>(Map.of("peft_type", "LORA", "task_type", "CAUSAL_LM",
        "r", rank, "lora_alpha", alpha, "target_modules", targets, "base_model_name_or_path",
        TinyModel.folder().toString()));
    config.putAll(more);
    Path path = folder.resolve(name);
    AdapterFolder.save(path, config, TensorSource.of(tensors));
    return path;
  }

  private static HostTensor random(Random random, int rows, int columns) {
    HostTensor tensor = HostTensor.zeros(DType.F32, Shape.of(rows, columns));
    for (long i = 0; i < tensor.shape().size(); i++) {
      tensor.set(i, (float) random.nextGaussian());
    }
    return tensor;
  }

  private static Captured combine(Path out, String... more) {
    List<String> all = new ArrayList<>(List.of("combine", "--out", out.toString()));
    all.addAll(List.of(more));
    return Captured.run(all.toArray(String[]::new));
  }

  private static double[][] matrix(AdapterFolder adapter, int layer, String module, String letter) {
    HostTensor tensor = adapter.tensor(PREFIX.formatted(layer, module, letter));
    double[][] rows = new double[(int) tensor.shape().dim(0)][(int) tensor.shape().dim(1)];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < rows[i].length; j++) {
        rows[i][j] = tensor.at((long) i * rows[i].length + j);
      }
    }
    return rows;
  }

  /** Adds factor · B A to a sum. */
  private static void add(double[][] sum, double factor, double[][] a, double[][] b) {
    for (int o = 0; o < WIDTH; o++) {
      for (int k = 0; k < a.length; k++) {
        for (int i = 0; i < WIDTH; i++) {
          sum[o][i] += factor * b[o][k] * a[k][i];
        }
      }
    }
  }

  /** Computes the weighted sum of the changes of adapters at a module, in double precision from their files. */
  private static double[][] sum(int layer, String module, Map<Path, Double> weights) {
    double[][] sum = new double[WIDTH][WIDTH];
    weights.forEach((path, weight) -> {
      try (AdapterFolder adapter = AdapterFolder.open(path)) {
        if (adapter.names().contains(PREFIX.formatted(layer, module, "A"))) {
          double[][] a = matrix(adapter, layer, module, "A");
          double scaling = number(adapter, "lora_alpha") / number(adapter, "r");
          add(sum, weight * scaling, a, matrix(adapter, layer, module, "B"));
        }
      }
    });
    return sum;
  }

  private static double number(AdapterFolder adapter, String name) {
    return ((Number) Objects.requireNonNull(adapter.config().get(name))).doubleValue();
  }

  private static void assertClose(double[][] actual, double[][] expected, double tolerance) {
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).as("row " + i).containsExactly(expected[i], within(tolerance));
    }
  }

  @Test
  void catAndAnSvdOfTheWholeRankAreTheExactWeightedSum() {
    Path first = adapter("first", 2, 6, List.of("q"), Map.of());
    Path second = adapter("second", 3, 4, List.of("q", "o"), Map.of());
    String[] parts = {"--adapter", first.toString(), "--adapter", second.toString(), "--weight",
      "first=0.7", "--weight", "second=-1.25"};
    Path cat = folder.resolve("cat");
    Captured done = combine(cat, append(parts, "--combination-type", "cat")).done();
    assertThat(done.out()).contains("Combined 2 adapters into " + cat, "at 4 layers");
    Path svd = folder.resolve("svd");
    combine(svd, append(parts, "--combination-type", "SVD", "--rank", "5")).done();

    Map<Path, Double> weights = Map.of(first, 0.7, second, -1.25);
    for (Path made : List.of(cat, svd)) {
      try (AdapterFolder adapter = AdapterFolder.open(made)) {
        assertThat(adapter.config()).containsEntry("r", 5L).containsEntry("peft_type", "LORA")
            .containsEntry("base_model_name_or_path", TinyModel.folder().toString());
        assertThat(number(adapter, "lora_alpha")).isEqualTo(5);
      }
      for (String module : List.of("q", "o")) {
        assertClose(sum(1, module, Map.of(made, 1.0)), sum(1, module, weights), 2e-5);
      }
    }
  }

  private static String[] append(String[] some, String... more) {
    return Stream.concat(Stream.of(some), Stream.of(more)).toArray(String[]::new);
  }

  @Test
  void anSvdKeepsTheLargestSingularValuesOfTheSum() {
    // Each adapter's change is one number at a place of its own, so these are the singular values: 6, 4, 1.
    Path six = single("six", 3, 7, 6);
    Path minusTwo = single("minus-two", 10, 11, -2);
    Path one = single("one", 20, 5, 1);
    Path out = folder.resolve("svd");
    combine(out, "--adapter", six.toString(), "--adapter", minusTwo.toString(), "--adapter", one.toString(),
        "--weight", "minus-two=2", "--combination-type", "svd", "--rank", "2").done();

    double[][] expected = new double[WIDTH][WIDTH];
    expected[3][7] = 6;
    expected[10][11] = -4;
    assertClose(sum(0, "q", Map.of(out, 1.0)), expected, 1e-5);
  }

  private Path single(String name, int row, int column, float value) {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    for (int layer = 0; layer < 2; layer++) {
      HostTensor a = HostTensor.zeros(DType.F32, Shape.of(1, WIDTH));
      HostTensor b = HostTensor.zeros(DType.F32, Shape.of(WIDTH, 1));
      a.set(column, 1.0);
      b.set(row, (double) value);
      tensors.put(PREFIX.formatted(layer, "q", "A"), a);
      tensors.put(PREFIX.formatted(layer, "q", "B"), b);
    }
    return save(name, 1, 1, List.of("q_proj"), tensors, Map.of());
  }

  @Test
  void linearAddsTheMatricesThemselves() {
    Path first = adapter("first", 2, 6, List.of("q", "o"), Map.of());
    Path second = adapter("second", 2, 1, List.of("q", "o"), Map.of());
    Path out = folder.resolve("linear");
    combine(out, "--adapter", first.toString(), "--adapter", second.toString(), "--weight",
        "second=-3", "--weight", "first=0.5", "--combination-type", "linear").done();

    try (AdapterFolder x = AdapterFolder.open(first);
        AdapterFolder y = AdapterFolder.open(second);
        AdapterFolder made = AdapterFolder.open(out)) {
      double[][] a = new double[2][WIDTH];
      double[][] b = new double[WIDTH][2];
      for (int k = 0; k < 2; k++) {
        for (int i = 0; i < WIDTH; i++) {
          a[k][i] = Math.sqrt(1.5) * matrix(x, 0, "o", "A")[k][i]
              - Math.sqrt(1.5) * matrix(y, 0, "o", "A")[k][i];
          b[i][k] = Math.sqrt(1.5) * matrix(x, 0, "o", "B")[i][k]
              + Math.sqrt(1.5) * matrix(y, 0, "o", "B")[i][k];
        }
      }
      double[][] expected = new double[WIDTH][WIDTH];
      add(expected, 1, a, b);
      assertThat(made.config()).containsEntry("r", 2L);
      assertClose(sum(0, "o", Map.of(out, 1.0)), expected, 2e-5);
    }
  }

  @Test
  void theResultAnswersLikeTheOtherAdapters() {
    Path first = adapter("first", 2, 6, List.of("q", "o"), Map.of());
    Path out = folder.resolve("out");
    combine(out, "--adapter", first.toString(), "--adapter",
        "minus=" + adapter("second", 1, 1, List.of("q", "o"), Map.of()),
        "--weight", "minus=0", "--combination-type", "cat").done();
    String[] generate = {"generate", "--model", TinyModel.folder().toString(), "--backend", "reference",
      "--max-new-tokens", "8", "--prompt", "kind=pub", "--adapter"};
    assertThat(Captured.run(append(generate, out.toString())).done().out())
        .isEqualTo(Captured.run(append(generate, first.toString())).done().out());
  }

  @Test
  void anOlderAdapterIsReplacedOnlyWhenAsked() throws IOException {
    Path first = adapter("first", 2, 6, List.of("q", "o"), Map.of());
    Path out = adapter("out", 1, 1, List.of("q", "o"), Map.of());
    byte[] before = Files.readAllBytes(out.resolve("adapter_model.safetensors"));
    String[] options = {"--adapter", first.toString(), "--combination-type", "cat"};
    assertThat(combine(out, options).refused()).contains("not empty", "--replace");
    assertThat(out.resolve("adapter_model.safetensors")).hasBinaryContent(before);
    combine(out, append(options, "--replace")).done();
    assertClose(sum(0, "q", Map.of(out, 1.0)), sum(0, "q", Map.of(first, 1.0)), 2e-5);
    assertThat(combine(first, append(options, "--replace")).refused()).contains("is one of the adapters");
  }

  @Test
  void whatCannotBeCombinedIsRefusedAndNothingIsWritten() {
    Path two = adapter("two", 2, 6, List.of("q", "o"), Map.of());
    Path three = adapter("three", 3, 6, List.of("q", "o"), Map.of());
    String[] both = {"--adapter", two.toString(), "--adapter", three.toString()};
    Path out = folder.resolve("out");
    assertThat(combine(out, append(both, "--combination-type", "linear")).refused()).contains(
        "different ranks", "[2, 3]",
        "Use cat or svd");
    assertThat(combine(out, append(both, "--combination-type", "ties")).refused()).contains("\"ties\"",
        "cat, linear, svd");
    assertThat(combine(out, append(both, "--combination-type", "cat", "--rank", "3")).refused())
        .contains("--rank is the rank of --combination-type svd", "sum of the ranks");
    assertThat(combine(out, append(both, "--combination-type", "svd", "--rank", "0")).refused())
        .contains("1 or more");
    assertThat(combine(out, append(both, "--combination-type", "cat", "--weight", "thre=1")).refused())
        .contains("--weight names \"thre\"", "did you mean \"three\"?");
    assertThat(combine(out, append(both, "--combination-type", "cat", "--weight", "base=1")).refused())
        .contains("combine: --weight is for adapters");
    assertThat(combine(out, append(both, "--combination-type", "cat", "--weight", "three=NaN")).refused())
        .contains("\"three\"", "NaN");
    Map<String, @Nullable Object> unknownBase = new LinkedHashMap<>();
    unknownBase.put("base_model_name_or_path", "some/model-7b");
    Path elsewhere = adapter("elsewhere", 2, 6, List.of("q"), unknownBase);
    assertThat(combine(out, "--adapter", elsewhere.toString(), "--combination-type", "cat").refused())
        .contains("\"some/model-7b\", which is no folder here", "--model");
    Path dora = adapter("dora", 2, 6, List.of("q", "o"), Map.of());
    assertThat(
        combine(out, "--adapter", two.toString(), "--adapter", "two=" + dora, "--combination-type", "cat")
            .refused())
        .contains("Two adapters are named \"two\"");
    assertThat(out).doesNotExist();
    combine(out, "--adapter", elsewhere.toString(), "--combination-type", "cat", "--model",
        TinyModel.folder().toString())
        .done();
  }
}
