package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.adapters.AdapterSet;
import dev.graft.core.GenerationOptions;
import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import dev.graft.core.GraphCheck;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.TrainingCheck;
import dev.graft.core.TrainingOptions;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.error.MemoryException;
import dev.graft.graph.DType;
import dev.graft.spi.MemoryNeed;
import dev.graft.spi.SessionOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tells what a session holds when something fails, lacks memory, or is asked for by several threads. */
class SessionLifetimeTests {
  private static final ModelOptions REFERENCE = ModelOptions.DEFAULT.on("reference");
  private static final GenerationOptions GREEDY = GenerationOptions.greedy(8, Set.of(), 0);
  private static final Map<String, Object> LORA = Map.of("r", 2L, "target_modules", "all-linear");

  private final PluginCatalog plugins = PluginCatalog.discover(SessionLifetimeTests.class.getClassLoader());

  @TempDir
  Path folder = Path.of("");

  private GraftModel open() {
    return GraftModel.open(SmallModel.FOLDER, REFERENCE, plugins);
  }

  private static List<List<Long>> answers(GraftModel model, List<long[]> prompts) {
    return model.generate(prompts, GREEDY, (_, _) -> {
    }).stream().map(row -> Arrays.stream(row).boxed().toList()).toList();
  }

  @Test
  void anAdapterWhoseStartFailsLeavesNoVariables() {
    try (GraftModel model = open()) {
      Set<String> before = model.session().variables();
      Map<String, Object> settings = Map.of("num_virtual_tokens", 3L, "prompt_tuning_init", "TEXT",
          "prompt_tuning_init_text", "answer", "tokenizer_name_or_path", "here");
      assertThatThrownBy(() -> model.attach("prompt-tuning", settings, 0, text -> {
        throw new GraftException("no tokenizer for " + text);
      })).isInstanceOf(GraftException.class).hasMessageContaining("no tokenizer for answer");
      assertThat(model.session().variables()).isEqualTo(before);
    }
  }

  @Test
  void anAdapterWhoseUploadFailsCanBeLoadedUnderItsNameLater() {
    try (GraftModel model = open(); LoadedModel files = LoadedModel.open(SmallModel.FOLDER, plugins)) {
      model.attach("lora", LORA, 1).save(folder);
      Set<String> before = model.session().variables();
      FailingSession failing = new FailingSession(model.session(), 3);
      try (AdapterSet set = new AdapterSet(files, failing, DType.F32)) {
        assertThatThrownBy(() -> set.load("a", folder)).isInstanceOf(MemoryException.class);
        assertThat(model.session().variables()).isEqualTo(before);
        failing.room(1000);
        set.load("a", folder);
        assertThat(set.names()).containsExactly("a");
      }
      assertThat(model.session().variables()).isEqualTo(before);
    }
  }

  @Test
  void anAdapterOfAnotherRankMayTakeTheNameOfOneThatHasAnswered() {
    try (GraftModel model = open()) {
      for (long rank = 1; rank <= 3; rank++) {
        model.attach("lora", Map.of("r", rank, "target_modules", "all-linear"), rank).save(folder);
        try (GraftAdapter adapter = model.load("a", folder)) {
          assertThat(adapter.generate(List.of(new long[]{5, 6, 7}), GREEDY)).hasSize(1);
        }
      }
    }
  }

  @Test
  void answersDoNotDependOnWhatWasAskedBefore() {
    List<long[]> first = List.of(new long[]{5, 6, 7});
    List<long[]> second = List.of(new long[]{9, 8, 7, 6, 5, 4}, new long[]{3});
    List<List<Long>> fresh;
    try (GraftModel model = open()) {
      fresh = answers(model, second);
    }
    try (GraftModel model = open()) {
      List<List<Long>> once = answers(model, first);
      assertThat(answers(model, second)).isEqualTo(fresh);
      assertThat(answers(model, first)).isEqualTo(once);
      assertThat(answers(model, second)).isEqualTo(fresh);
    }
  }

  @Test
  void threadsThatAskOneModelAtTheSameTimeGetItsAnswers() throws Exception {
    List<List<long[]>> prompts = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      prompts.add(List.of(new long[]{3 + i, 9, 4}));
    }
    try (GraftModel model = open(); ExecutorService threads = Executors.newFixedThreadPool(6)) {
      List<List<List<Long>>> alone = prompts.stream().map(prompt -> answers(model, prompt)).toList();
      List<Future<List<List<Long>>>> together = new ArrayList<>();
      for (int round = 0; round < 3; round++) {
        prompts.forEach(prompt -> together.add(threads.submit(() -> answers(model, prompt))));
      }
      for (int i = 0; i < together.size(); i++) {
        assertThat(together.get(i).get()).isEqualTo(alone.get(i % 6));
      }
    }
  }

  @Test
  void aModelThatDoesNotFitIsRefusedBeforeAWeightIsRead() {
    ModelOptions little = REFERENCE.with(SessionOptions.DEFAULT.withMemoryBytes(10_000)).in(DType.F64);
    assertThatThrownBy(() -> GraftModel.open(SmallModel.FOLDER, little, plugins))
        .isInstanceOfSatisfying(MemoryException.class, e -> {
          assertThat(e.available()).isEqualTo(10_000);
          assertThat(e.needed()).isGreaterThan(10_000);
        }).hasMessageContaining("reference").hasMessageContaining("may be taken");
  }

  @Test
  void trainingThatDoesNotFitNamesRemediesThatDo() {
    try (LoadedModel model = LoadedModel.open(SmallModel.FOLDER, plugins);
        GraftModel attached = GraftModel.open(SmallModel.FOLDER, REFERENCE, plugins)) {
      GraftAdapter adapter = attached.attach("lora", LORA);
      TrainingCheck check = new TrainingCheck(model.base(), adapter.attachment(), DType.F32,
          TrainingOptions.of(10, 1e-3), 16, 64);
      GraphCheck boundless = new GraphCheck(plugins, plugins.backend("reference"), SessionOptions.DEFAULT);
      MemoryNeed need = boundless.need(check.graph(boundless));
      check.require(within(need.total()));
      long most = need.variables() + need.work() * 3 / 5;
      assertThatThrownBy(() -> check.require(within(most))).isInstanceOf(MemoryException.class)
          .hasMessageContaining("16 x 64").hasMessageContaining("batches of 8")
          .hasMessageContaining("a maximum length of 32");
      TrainingCheck halved = new TrainingCheck(model.base(), adapter.attachment(), DType.F32,
          TrainingOptions.of(10, 1e-3), 8, 64);
      halved.require(within(most));
    }
  }

  private GraphCheck within(long bytes) {
    return new GraphCheck(plugins, plugins.backend("reference"),
        SessionOptions.DEFAULT.withMemoryBytes(bytes));
  }
}
