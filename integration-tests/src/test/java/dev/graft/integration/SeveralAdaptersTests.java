package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.GenerationOptions;
import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingOptions;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.HostTensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Uses several adapters of one open model. */
class SeveralAdaptersTests {
  private static final Path CASE = Golden.ROOT.resolve("generate/gen-mixed-llama");
  private static final GenerationOptions GREEDY = GenerationOptions.greedy(24, Set.of(), 0);

  private final GraftModel model = GraftModel.open(SmallModel.FOLDER, ModelOptions.DEFAULT.on("reference"),
      PluginCatalog.discover(SmallModel.class.getClassLoader()));

  @AfterEach
  void close() {
    model.close();
  }

  @Test
  void theRowsOfOneBatchGoOnAsPeftLetsThem() {
    List<String> names = new ArrayList<>();
    Map<String, ?> recorded = Json.readObject(CASE.resolve("case.json"));
    for (Object name : (List<?>) Objects.requireNonNull(recorded.get("row_adapters"))) {
      names.add(name.equals("__base__") ? GraftModel.BASE : String.valueOf(name));
    }
    GraftAdapter first = model.load("a0", CASE.resolve("adapters/a0"));
    model.load("a1", CASE.resolve("adapters/a1"));
    try (SafetensorsFile expect = SafetensorsFile.open(CASE.resolve("expect.safetensors"))) {
      List<long[]> prompts = prompts(expect);
      List<long[]> answers = model.generate(names, prompts, GREEDY);
      assertThat(answers.toArray(long[][]::new)).isDeepEqualTo(rows(expect.tensor("output_ids")));

      first.activate();
      assertThat(model.generate(prompts, GREEDY).getFirst()).isEqualTo(answers.getFirst());
      model.disableAdapters();
      assertThat(model.generate(prompts, GREEDY).get(1)).isEqualTo(answers.get(1));
    }
  }

  private static List<long[]> prompts(SafetensorsFile file) {
    long[][] ids = rows(file.tensor("prompt_ids"));
    long[][] mask = rows(file.tensor("prompt_mask"));
    List<long[]> prompts = new ArrayList<>();
    for (int row = 0; row < ids.length; row++) {
      int padding = 0;
      while (mask[row][padding] == 0) {
        padding++;
      }
      prompts.add(Arrays.copyOfRange(ids[row], padding, ids[row].length));
    }
    return prompts;
  }

  private static long[][] rows(HostTensor tensor) {
    int width = (int) tensor.shape().dim(1);
    long[][] rows = new long[(int) tensor.shape().dim(0)][width];
    for (int row = 0; row < rows.length; row++) {
      for (int i = 0; i < width; i++) {
        rows[row][i] = tensor.integerAt((long) row * width + i);
      }
    }
    return rows;
  }

  @Test
  void virtualTokensDoNotShareABatch() {
    model.load("prefix", Golden.ROOT.resolve("cases/prefix-llama/adapter"));
    assertThatThrownBy(() -> model.generate(List.of("prefix", GraftModel.BASE),
        List.of(new long[]{5, 6}, new long[]{5, 6}), GREEDY)).isInstanceOf(GraftException.class)
        .hasMessageContaining("virtual tokens cannot share a batch");
  }

  @Test
  void namesOfTheSetAndOfAttachedAdaptersDoNotCollide() {
    model.load("adapter-1", CASE.resolve("adapters/a0"));
    GraftAdapter attached = model.load(CASE.resolve("adapters/a1"));
    List<long[]> prompt = List.of(new long[]{5, 9, 31, 7});
    List<long[]> one = model.generate(List.of("adapter-1"), prompt, GREEDY);
    List<long[]> two = attached.generate(prompt, GREEDY);
    assertThat(one.getFirst()).isNotEqualTo(two.getFirst());
    assertThatThrownBy(() -> model.load("adapter-2", CASE.resolve("adapters/a0")))
        .hasMessageContaining("There is an adapter \"adapter-2\" already");
  }

  private static final List<long[]> PROMPT = List.of(new long[]{5, 9, 31, 7});

  private static TokenBatch batch() {
    long[] ids = {5, 9, 31, 7, 12, 3};
    return new TokenBatch(1, ids.length, ids, new long[]{1, 1, 1, 1, 1, 1}, ids.clone());
  }

  @Test
  void aTrainedAdapterIsSwitchedScaledAndRemovedLikeALoadedOne() {
    GraftAdapter loaded = model.load("loaded", CASE.resolve("adapters/a0"));
    List<long[]> byLoaded = model.generate(PROMPT, GREEDY);
    Set<String> before = model.session().variables();
    GraftAdapter trained = model.attach("lora", Map.of("r", 4, "target_modules", "all-linear"));
    assertThat(model.active()).contains(trained);
    trained.train(TrainingOptions.of(5, 0.05), _ -> List.of(batch()), _ -> {
    });
    double full = trained.loss(List.of(batch()));
    double base = model.loss(List.of(batch()));
    assertThat(full).isLessThan(base);
    trained.scale(0);
    assertThat(trained.loss(List.of(batch()))).isCloseTo(base, within(1e-6));
    trained.scale(1);
    assertThat(trained.loss(List.of(batch()))).isEqualTo(full);

    loaded.activate();
    assertThat(model.generate(PROMPT, GREEDY).getFirst()).isEqualTo(byLoaded.getFirst());
    assertThat(model.adapters()).containsExactly(loaded, trained);

    trained.close();
    trained.close();
    assertThat(model.session().variables()).isEqualTo(before);
    assertThat(model.adapters()).containsExactly(loaded);
    assertThatThrownBy(() -> trained.loss(List.of(batch()))).isInstanceOf(GraftException.class)
        .hasMessageContaining("There is no adapter \"adapter-1\"");
  }

  @Test
  void combinationsDoNotDependOnTheOrderOfTheMap() {
    model.load("a0", CASE.resolve("adapters/a0"));
    model.load("a1", CASE.resolve("adapters/a1"));
    Map<String, Double> one = new LinkedHashMap<>();
    one.put("a0", 0.7);
    one.put("a1", 0.3);
    Map<String, Double> other = new LinkedHashMap<>();
    other.put("a1", 0.3);
    other.put("a0", 0.7);
    Map<String, HostTensor> first = model.combine("first", "cat", one).formulas().stored();
    Map<String, HostTensor> second = model.combine("second", "cat", other).formulas().stored();
    assertThat(first.keySet()).isEqualTo(second.keySet());
    first.forEach((key, value) -> assertThat(value.toFloats()).as(key)
        .isEqualTo(Objects.requireNonNull(second.get(key)).toFloats()));
    assertThatThrownBy(() -> model.combine("third", "cat", Map.of("a2", 1.0)))
        .hasMessageContaining("There is no adapter \"a2\" (did you mean \"a");
  }
}
