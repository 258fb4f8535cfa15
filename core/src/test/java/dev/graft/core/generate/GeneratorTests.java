package dev.graft.core.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.GenerationOptions;
import dev.graft.core.TinyModel;
import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.RowGroup;
import dev.graft.error.GraftException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Holds decoding over a cache, in a padded batch, to the likeliest token of each sequence computed as a whole. */
class GeneratorTests {
  private static final long[][] PROMPTS = {{5, 9, 17, 7}, {0, 0, 12, 4}};
  private static final long[][] MASK = {{1, 1, 1, 1}, {0, 0, 1, 1}};
  private static final int TOKENS = 6;

  @TempDir
  Path folder;

  private TinyModel tiny;

  @BeforeEach
  void open() {
    tiny = TinyModel.open(TinyModel.write(folder.resolve("model")));
  }

  @AfterEach
  void close() {
    tiny.close();
  }

  private Generator generator() {
    return new Generator(tiny.session(), tiny.base(), TinyModel.TYPE);
  }

  private static GenerationOptions greedy(int tokens, Long... stopIds) {
    return GenerationOptions.greedy(tokens, Set.of(stopIds), 0);
  }

  private static long[][] generate(Generator generator, List<RowGroup> groups) {
    return generator.generate(groups, PROMPTS, MASK, greedy(TOKENS), (_, _) -> {
    });
  }

  /** Continues a sequence by computing it anew for each token. */
  private long[] whole(RowGroup row, long... prompt) {
    long[] ids = prompt.clone();
    for (int i = 0; i < TOKENS; i++) {
      double[] last = tiny.logits(row, ids)[ids.length - 1];
      int best = 0;
      for (int token = 1; token < last.length; token++) {
        best = last[token] > last[best] ? token : best;
      }
      ids = Arrays.copyOf(ids, ids.length + 1);
      ids[ids.length - 1] = best;
    }
    return Arrays.copyOfRange(ids, prompt.length, ids.length);
  }

  private long[][] wholes(RowGroup first, RowGroup second) {
    return new long[][]{whole(first, 5, 9, 17, 7), whole(second, 12, 4)};
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora", "dora"})
  void anAdapterThatChangesBetweenCallsIsSeen(String method) {
    Attachment attachment = tiny.attach(method, TinyModel.LORA);
    RowGroup one = RowGroup.all(TinyModel.ADAPTER, attachment, 1);
    Set<List<Long>> seen = new HashSet<>();
    try (Generator generator = generator()) {
      for (long seed = 1; seed <= 3; seed++) {
        tiny.move(TinyModel.ADAPTER, attachment, seed);
        long[][] out = generate(generator, List.of(RowGroup.all(TinyModel.ADAPTER, attachment, 2)));
        assertThat(out).isDeepEqualTo(wholes(one, one));
        seen.add(Arrays.stream(out[0]).boxed().toList());
      }
    }
    assertThat(seen).hasSizeGreaterThan(1);
  }

  @Test
  void rowsOfOneBatchGoOnByTheirOwnAdapters() {
    Attachment first = tiny.attach("first", "lora", TinyModel.LORA, 21);
    Attachment second = tiny.attach("second", "lora", TinyModel.LORA, 22);
    RowGroup base = RowGroup.base(1);
    try (Generator generator = generator()) {
      assertThat(generate(generator, List.of(RowGroup.base(2)))).isDeepEqualTo(wholes(base, base));
      assertThat(generate(generator, List.of(new RowGroup("second", Optional.of(second), 0, 1),
          new RowGroup("first", Optional.of(first), 1, 2))))
          .isDeepEqualTo(wholes(RowGroup.all("second", second, 1), RowGroup.all("first", first, 1)));
      assertThat(generate(generator, List.of(new RowGroup("", Optional.empty(), 0, 1),
          new RowGroup("first", Optional.of(first), 1, 2))))
          .isDeepEqualTo(wholes(base, RowGroup.all("first", first, 1)));
    }
  }

  @Test
  void aRowEndsWithAStopTokenAndTheOthersGoOn() {
    RowGroup base = RowGroup.base(1);
    long[][] full = wholes(base, base);
    // A token of one row that the other never makes, or makes later.
    long stop = Arrays.stream(full[0]).filter(token -> Arrays.stream(full[1]).noneMatch(t -> t == token))
        .findFirst().orElseThrow();
    int end = 0;
    while (full[0][end] != stop) {
      end++;
    }
    List<List<Long>> heard = List.of(new ArrayList<>(), new ArrayList<>());
    long pad = 18;
    long[][] out;
    try (Generator generator = generator()) {
      out = generator.generate(List.of(RowGroup.base(2)), PROMPTS, MASK,
          GenerationOptions.greedy(TOKENS, Set.of(stop), pad), (row, token) -> heard.get(row).add(token));
    }
    long[] expected = full[0].clone();
    Arrays.fill(expected, end + 1, TOKENS, pad);
    assertThat(out[0]).containsExactly(expected);
    assertThat(out[1]).containsExactly(full[1]);
    assertThat(heard.get(0)).containsExactlyElementsOf(
        Arrays.stream(full[0]).limit(end + 1).boxed().toList());
    assertThat(heard.get(1)).containsExactlyElementsOf(Arrays.stream(full[1]).boxed().toList());
  }

  @Test
  void nothingIsComputedOnceAllRowsHaveEnded() {
    RowGroup base = RowGroup.base(1);
    long[][] full = wholes(base, base);
    AtomicInteger heard = new AtomicInteger();
    try (Generator generator = generator()) {
      long[][] out = generator.generate(List.of(RowGroup.base(2)), PROMPTS, MASK,
          greedy(TOKENS, Set.of(full[0][0], full[1][0]).toArray(Long[]::new)),
          (_, _) -> heard.incrementAndGet());
      assertThat(out).isDeepEqualTo(new long[][]{{full[0][0], 0, 0, 0, 0, 0}, {full[1][0], 0, 0, 0, 0, 0}});
    }
    assertThat(heard).hasValue(2);
  }

  @Test
  void drawsFollowTheirSeed() {
    Set<List<Long>> seen = new HashSet<>();
    try (Generator generator = generator()) {
      for (long seed = 0; seed < 4; seed++) {
        GenerationOptions options = new GenerationOptions(TOKENS, 3, 0, 1, Set.of(), 0, seed);
        long[][] first = generator.generate(List.of(RowGroup.base(2)), PROMPTS, MASK, options, (_, _) -> {
        });
        assertThat(generator.generate(List.of(RowGroup.base(2)), PROMPTS, MASK, options, (_, _) -> {
        })).isDeepEqualTo(first);
        seen.add(Arrays.stream(first[0]).boxed().toList());
      }
    }
    assertThat(seen).hasSizeGreaterThan(1);
  }

  @Test
  void exactlyAsManyTokensAsTheModelHasPositionsAreMade() {
    int room = Math.toIntExact(tiny.base().model().maxPositions()) - PROMPTS[0].length;
    try (Generator generator = generator()) {
      assertThat(generator.generate(List.of(RowGroup.base(2)), PROMPTS, MASK, greedy(room), (_, _) -> {
      })[0]).hasSize(room);
    }
  }

  @Test
  void moreTokensThanTheModelHasPositionsAreRefusedBeforeAnyIsMade() {
    int tooMany = Math.toIntExact(tiny.base().model().maxPositions()) - PROMPTS[0].length + 1;
    AtomicInteger heard = new AtomicInteger();
    try (Generator generator = generator()) {
      assertThatThrownBy(() -> generator.generate(List.of(RowGroup.base(2)), PROMPTS, MASK, greedy(tooMany),
          (_, _) -> heard.incrementAndGet()))
          .isInstanceOf(GraftException.class).hasMessageContaining("4 tokens")
          .hasMessageContaining(tooMany + " new ones").hasMessageContaining("32 positions");
    }
    assertThat(heard).hasValue(0);
  }

  @Test
  void adaptersForAnotherNumberOfRowsAreRefused() {
    try (Generator generator = generator()) {
      assertThatThrownBy(() -> generate(generator, List.of(RowGroup.base(3))))
          .isInstanceOf(GraftException.class)
          .hasMessageContaining("3 rows").hasMessageContaining("2 prompts");
    }
  }

  @Test
  void whatIsKeptForACallIsFreedAtTheEnd() {
    Attachment attachment = tiny.attach("dora", Map.of("r", 2L, "target_modules", "all-linear"));
    List<RowGroup> rows = List.of(RowGroup.all(TinyModel.ADAPTER, attachment, 2));
    Set<String> before = Set.copyOf(tiny.session().variables());
    try (Generator generator = generator(); Generator other = generator()) {
      generate(generator, rows);
      long one = kept();
      assertThat(one).isPositive();
      generate(other, rows);
      assertThat(kept()).isEqualTo(2 * one);
    }
    assertThat(tiny.session().variables()).isEqualTo(before);
  }

  private long kept() {
    return tiny.session().variables().stream().filter(name -> name.startsWith("kept/")).count();
  }
}
