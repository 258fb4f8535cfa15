package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.GenerationOptions;
import dev.graft.core.attach.Attachment;
import dev.graft.core.generate.Generator;
import dev.graft.core.graphs.RowGroup;
import dev.graft.error.GraftException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GenerationTests {
  private static final long[][] PROMPTS = {{5, 9, 31, 7}, {0, 0, 12, 40}};
  private static final long[][] MASK = {{1, 1, 1, 1}, {0, 0, 1, 1}};
  private static final int TOKENS = 6;

  private final SmallModel small = new SmallModel();

  @AfterEach
  void close() {
    small.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora", "dora"})
  void anAdapterThatChangesBetweenCallsIsSeen(String method) {
    Attachment attachment = small.create("it", method, Map.of("r", 2L, "target_modules", "all-linear"));
    Set<List<Long>> seen = new HashSet<>();
    try (Generator generator = new Generator(small.session, small.model.base(), SmallModel.TYPE)) {
      for (long seed = 1; seed <= 3; seed++) {
        small.perturb("it", attachment, seed);
        long[][] out = generate(generator, attachment);
        assertThat(out).isDeepEqualTo(merged(attachment));
        seen.add(Arrays.stream(out[0]).boxed().toList());
      }
    }
    assertThat(seen).hasSizeGreaterThan(1);
  }

  @Test
  void moreTokensThanTheModelHasPositionsAreRefusedBeforeAnyIsMade() {
    int tooMany = Math.toIntExact(small.model.base().model().maxPositions()) - PROMPTS[0].length + 1;
    AtomicInteger heard = new AtomicInteger();
    try (Generator generator = new Generator(small.session, small.model.base(), SmallModel.TYPE)) {
      assertThatThrownBy(() -> generator.generate(List.of(RowGroup.base(2)), PROMPTS, MASK,
          GenerationOptions.greedy(tooMany, Set.of(), 0), (_, _) -> heard.incrementAndGet()))
          .isInstanceOf(GraftException.class).hasMessageContaining("4 tokens")
          .hasMessageContaining(tooMany + " new ones").hasMessageContaining("256 positions");
    }
    assertThat(heard).hasValue(0);
  }

  @Test
  void whatIsKeptForACallIsFreedAtTheEnd() {
    Attachment attachment = small.create("it", "dora", Map.of("r", 2L, "target_modules", "all-linear"));
    try (Generator generator = new Generator(small.session, small.model.base(), SmallModel.TYPE);
        Generator other = new Generator(small.session, small.model.base(), SmallModel.TYPE)) {
      generate(generator, attachment);
      long one = kept();
      assertThat(one).isPositive();
      generate(other, attachment);
      assertThat(kept()).isEqualTo(2 * one);
    }
    assertThat(kept()).isZero();
  }

  private long kept() {
    return small.session.variables().stream().filter(name -> name.startsWith("kept/")).count();
  }

  private static long[][] generate(Generator generator, Attachment attachment) {
    return generator.generate(List.of(RowGroup.all("it", attachment, 2)), PROMPTS, MASK,
        GenerationOptions.greedy(TOKENS, Set.of(), 0), (_, _) -> {
        });
  }

  /** Continues the prompts by a model that has the adapter in its weights, so that nothing can be kept. */
  private long[][] merged(Attachment attachment) {
    try (SmallModel other = new SmallModel();
        Generator generator = new Generator(other.session, other.model.base(), SmallModel.TYPE)) {
      small.formulas("it", attachment).merge().forEach(other.session::upload);
      return generator.generate(List.of(RowGroup.base(2)), PROMPTS, MASK,
          GenerationOptions.greedy(TOKENS, Set.of(), 0), (_, _) -> {
          });
    }
  }
}
