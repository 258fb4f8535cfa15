package dev.graft.tools.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.StepReport;
import dev.graft.core.TokenBatch;
import dev.graft.core.attach.Attachment;
import dev.graft.core.train.Trainer;
import dev.graft.core.weights.BaseModel;
import dev.graft.graph.DType;
import dev.graft.tools.SmallLlama;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Holds plans to numbers counted by hand, and to what a step then takes. */
class TrainingPlanTests {
  /** Two layers of q and o [8, 8], k and v [4, 8], gate and up [12, 8], down [8, 12] and two norms; */
  private static final long BLOCK = 2 * 8 * 8 + 2 * 4 * 8 + 3 * 12 * 8 + 2 * 8;
  /** and the embedding and the head [24, 8], and the last norm. */
  private static final long PARAMETERS = 2 * BLOCK + 2 * 24 * 8 + 8;
  private static final Map<String, Object> QV = Map.of("r", 3L, "target_modules",
      List.of("q_proj", "v_proj"));
  /** In each layer A [3, 8] and B [8, 3] of q, A [3, 8] and B [4, 3] of v. */
  private static final long TRAINED = 2 * (3 * 8 + 8 * 3 + 3 * 8 + 4 * 3);

  @TempDir
  Path folder;

  private static BaseModel base(DType type) {
    return SyntheticWeights.dense(SmallLlama.SHAPE, type, SmallLlama.PLUGINS);
  }

  @ParameterizedTest
  @EnumSource(value = DType.class, names = {"F32", "F64", "BF16"})
  void bytesAreThoseOfTheNumbersOfEachKind(DType type) {
    BaseModel base = base(DType.F32);
    Attachment attachment = SmallLlama.attach(base, "lora", QV);
    // Weights are in the compute type; what learns, and its moments, are never narrower than F32.
    int weight = type == DType.F64 ? 8 : type == DType.F32 ? 4 : 2;
    int learned = type == DType.F64 ? 8 : 4;

    TrainingPlan plan = SmallLlama.plan(base, attachment, type, 1);

    assertThat(plan.baseParameters()).isEqualTo(PARAMETERS);
    assertThat(plan.trainedParameters()).isEqualTo(TRAINED);
    assertThat(plan.sites()).isEqualTo(4);
    assertThat(plan.weightBytes()).isEqualTo(PARAMETERS * weight);
    assertThat(plan.adapterBytes()).isEqualTo(TRAINED * learned);
    assertThat(plan.gradientBytes()).isEqualTo(TRAINED * learned);
    assertThat(plan.optimizerBytes()).isEqualTo(2 * TRAINED * learned);
    assertThat(plan.trainedShare()).isCloseTo((double) TRAINED / PARAMETERS, within(1e-15));
    assertThat(plan.totalBytes()).isEqualTo(PARAMETERS * weight + 3 * TRAINED * learned + plan.inputBytes()
        + plan.activationBytes());
  }

  @Test
  void stepsOfSeveralBatchesKeepSumsOfGradients() {
    BaseModel base = base(DType.F32);
    Attachment attachment = SmallLlama.attach(base, "lora", QV);
    assertThat(SmallLlama.plan(base, attachment, DType.F32, 4).optimizerBytes()).isEqualTo(3 * TRAINED * 4);
  }

  @Test
  void theInputIsABatchAndItsLabels() {
    BaseModel base = base(DType.F32);
    TrainingPlan plan = SmallLlama.plan(base, SmallLlama.attach(base, "lora", QV), DType.F32, 1);
    // Ids and positions [3, 5]; of each row's last 4 tokens the row before it, the token, and its weight; and the
    // rate, two corrections and the decay of AdamW.
    assertThat(plan.inputBytes()).isEqualTo(2 * 15 * 8 + 12 * (8 + 8 + 4) + 4 * 4);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aStepTakesAboutWhatWasPlanned(int batches) {
    Path model = SmallLlama.write(folder.resolve("model"), DType.F32);
    List<TokenBatch> step = Collections.nCopies(batches, batch());
    List<StepReport> reports = new ArrayList<>();
    TrainingPlan plan;
    try (GraftModel open = GraftModel.open(model, ModelOptions.DEFAULT.on("reference"),
        SmallLlama.PLUGINS);
        Trainer trainer = open.attach("lora", QV).trainer(SmallLlama.options())) {
      plan = SmallLlama.plan(open.base(), SmallLlama.attach(open.base(), "lora", QV), DType.F32, batches);
      reports.add(trainer.step(_ -> step));
    }
    // A backend counts what it holds itself, and may keep a little that the graph alone does not need.
    assertThat(reports.getFirst().plannedBytes()).isBetween(plan.activationBytes(),
        plan.activationBytes() * 115 / 100);
    assertThat(plan.activationBytes()).isGreaterThan(plan.gradientBytes());
  }

  private static TokenBatch batch() {
    long[] ids = new long[15];
    Arrays.setAll(ids, i -> 3 + i);
    long[] mask = new long[15];
    Arrays.fill(mask, 1);
    return new TokenBatch(3, 5, ids, mask, ids.clone());
  }

  @Test
  void everyKindOfModuleIsCountedOnce() {
    BaseModel base = base(DType.F32);
    assertThat(ModuleShare.of(SmallLlama.attach(base, "lora", QV))).containsExactly(
        new ModuleShare("q_proj", "8 x 8", 2, 64, 3 * 8 + 8 * 3),
        new ModuleShare("v_proj", "4 x 8", 2, 32, 3 * 8 + 4 * 3));
  }

  @Test
  void aModuleWithoutAWeightHasNoShare() {
    BaseModel base = base(DType.F32);
    List<ModuleShare> shares = ModuleShare
        .of(SmallLlama.attach(base, "prefix-tuning", Map.of("num_virtual_tokens", 5L)));
    assertThat(shares).isNotEmpty().allMatch(share -> share.baseParameters() == 0 && share.share() == 0);
    assertThat(new ModuleShare("q_proj", "8 x 8", 1, 64, 16).share()).isEqualTo(0.25);
  }

  @Test
  void aPlannedModelInFourBitsHoldsHalfAByteANumberAndItsScales() {
    ModelShape shape = new ModelShape(1, 64, 128, 2, 2, 24, 32);
    BaseModel base = SyntheticWeights.quantized(shape, DType.F32, SmallLlama.PLUGINS.quantizer("nf4"),
        Map.of("block_size", 64L, "double_quant", false), SmallLlama.PLUGINS);
    Attachment attachment = SmallLlama.attach(base, "lora", QV);
    long linear = 4 * 64 * 64 + 3 * 64 * 128;
    long dense = 2 * 24 * 64 + 3 * 64;
    // One F32 scale for each block of 64, and each weight's table of 16 values.
    long scales = linear / 64 * 4;
    assertThat(
        SmallLlama.plan(base, attachment, DType.F32, 1).weightBytes() - (linear / 2 + scales + dense * 4))
        .isBetween(0L, 7 * 16 * 4L);
  }
}
