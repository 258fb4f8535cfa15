package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.GenerationOptions;
import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.adapters.AdapterSet;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.HostTensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
    for (Object name : (List<?>) java.util.Objects.requireNonNull(recorded.get("row_adapters"))) {
      names.add(name.equals("__base__") ? AdapterSet.BASE : String.valueOf(name));
    }
    AdapterSet adapters = model.adapters();
    adapters.load("a0", CASE.resolve("adapters/a0"));
    adapters.load("a1", CASE.resolve("adapters/a1"));
    try (SafetensorsFile expect = SafetensorsFile.open(CASE.resolve("expect.safetensors"))) {
      List<long[]> prompts = prompts(expect);
      List<long[]> answers = model.generate(adapters.rows(names), prompts, GREEDY);
      assertThat(answers.toArray(long[][]::new)).isDeepEqualTo(rows(expect.tensor("output_ids")));

      adapters.activate("a0");
      assertThat(model.generate(adapters.rows(4), prompts, GREEDY).getFirst()).isEqualTo(answers.getFirst());
      adapters.disable();
      assertThat(model.generate(adapters.rows(4), prompts, GREEDY).get(1)).isEqualTo(answers.get(1));
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
      prompts.add(java.util.Arrays.copyOfRange(ids[row], padding, ids[row].length));
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
    AdapterSet adapters = model.adapters();
    adapters.load("prefix", Golden.ROOT.resolve("cases/prefix-llama/adapter"));
    assertThatThrownBy(() -> model.generate(adapters.rows(List.of("prefix", AdapterSet.BASE)),
        List.of(new long[]{5, 6}, new long[]{5, 6}), GREEDY)).isInstanceOf(GraftException.class)
        .hasMessageContaining("virtual tokens cannot share a batch");
  }

  @Test
  void namesOfTheSetAndOfAttachedAdaptersDoNotCollide() {
    model.adapters().load("adapter-1", CASE.resolve("adapters/a0"));
    GraftAdapter attached = model.load(CASE.resolve("adapters/a1"));
    List<long[]> prompt = List.of(new long[]{5, 9, 31, 7});
    List<long[]> one = model.generate(model.adapters().rows(List.of("adapter-1")), prompt, GREEDY);
    List<long[]> two = attached.generate(prompt, GREEDY);
    assertThat(one.getFirst()).isNotEqualTo(two.getFirst());
    assertThatThrownBy(() -> model.adapters().load("adapter-2", CASE.resolve("adapters/a0")))
        .hasMessageContaining("used for another adapter");
  }
}
