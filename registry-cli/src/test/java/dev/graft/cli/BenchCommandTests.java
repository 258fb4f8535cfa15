package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.formats.Json;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class BenchCommandTests {
  private static final String SHAPE = "layers=2,hidden=32,ffn=80,heads=4,kv-heads=2,vocab=100";

  /** Returns what is planned beside the process' own memory. */
  private static double plan(Map<String, @Nullable Object> fields) {
    return number(fields, "planned_memory_bytes") - number(fields, "process_memory_bytes");
  }

  @Test
  void realStepsAreMeasuredAndTheLossFalls() {
    Map<String, @Nullable Object> fields = bench("--batch", "2", "--seq", "16", "--steps", "12", "--warmup",
        "1",
        "--rank", "4");
    Map<?, ?> millis = (Map<?, ?>) Objects.requireNonNull(fields.get("step_ms"));
    double median = number(millis, "median");
    assertThat(number(millis, "min")).isPositive().isLessThanOrEqualTo(median);
    assertThat(number(millis, "max")).isGreaterThanOrEqualTo(median);
    assertThat(number(fields, "tokens_per_second")).isCloseTo(2 * 16 * 1000 / median, within());
    // Random weights of this size know nothing: the loss is near that of guessing among 100 tokens.
    assertThat(number(fields, "loss_first")).isBetween(Math.log(100) - 0.2, Math.log(100) + 0.2);
    assertThat(number(fields, "loss_last")).isLessThan(number(fields, "loss_first"));
    assertThat(fields).containsEntry("backend", "reference").containsEntry("dtype", "f32")
        .containsEntry("method", "lora");
    assertThat(plan(fields)).isGreaterThan(4 * number(fields, "base_parameters"));
  }

  @Test
  void checkpointingChangesTheMemoryAndNotTheLoss() {
    String[] same = {"--batch", "4", "--seq", "32", "--steps", "3", "--warmup", "0"};
    Map<String, @Nullable Object> plain = bench(same);
    String[] more = Arrays.copyOf(same, same.length + 1);
    more[same.length] = "--gradient-checkpointing";
    Map<String, @Nullable Object> checkpointed = bench(more);
    assertThat(plan(checkpointed)).isLessThan(plan(plain));
    assertThat(number(checkpointed, "loss_last")).isEqualTo(number(plain, "loss_last"));
  }

  @Test
  void quantisedWeightsTakeLessMemory() {
    Map<String, @Nullable Object> dense = bench("--batch", "1", "--seq", "8", "--steps", "2");
    Map<String, @Nullable Object> nf4 = bench("--batch", "1", "--seq", "8", "--steps", "2", "--quantize",
        "nf4");
    assertThat(nf4).containsEntry("quantizer", "nf4");
    assertThat(number(nf4, "loss_first")).isBetween(Math.log(100) - 0.2, Math.log(100) + 0.2);
    assertThat(plan(nf4)).isNotEqualTo(plan(dense));
  }

  @Test
  void theTableHasTheSameFigures() {
    assertThat(Captured.run("bench", "--shape", SHAPE, "--backend", "reference", "--batch", "1", "--seq", "8",
        "--steps", "2").done().out())
        .contains("tokens a second", "a step", "memory planned", "reference, f32");
  }

  @Test
  void faultsAreNamed() {
    assertThat(Captured.run("bench", "--shape", SHAPE, "--method", "lara").refused()).contains(
        "did you mean \"lora\"");
    assertThat(Captured.run("bench", "--shape", SHAPE, "--backend", "nothing").refused())
        .contains("Installed:");
    assertThat(Captured.run("bench", "--shape", SHAPE, "--quantize", "nf5").refused()).contains(
        "did you mean \"nf4\"");
    assertThat(Captured.run("bench", "--seq", "1").refused()).contains("--seq of 2 or more");
  }

  private static Offset<Double> within() {
    return Offset.offset(1e-3);
  }

  private static Map<String, @Nullable Object> bench(String... args) {
    String[] fixed = {"bench", "--shape", SHAPE, "--backend", "reference", "--json"};
    String[] all = Arrays.copyOf(fixed, fixed.length + args.length);
    System.arraycopy(args, 0, all, fixed.length, args.length);
    String out = Captured.run(all).done().out();
    assertThat(out.strip().lines()).as("one object on one line").hasSize(1);
    return Json.object(out, "bench");
  }

  private static double number(Map<?, ?> fields, String name) {
    return ((Number) Objects.requireNonNull(fields.get(name), name)).doubleValue();
  }
}
