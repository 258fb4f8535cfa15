package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.formats.Json;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlanCommandTests {
  @Test
  void rankEightOnALayerOf4096Trains65536NumbersWhichIsPoint39Percent() {
    String out = Captured.run("plan", "--shape", "llama-7b", "--rank", "8", "--targets", "q_proj,v_proj",
        "--batch", "1", "--max-length", "16").done().out();
    // 2 · 8 · 4096 in each of 64 layers; Llama 7B has 6,738,415,616 parameters.
    assertThat(out).contains("trains 4,194,304 of 6,738,415,616 parameters: 0.06 %");
    assertThat(out).containsPattern("q_proj +4096 x 4096 +32 +65,536 +0.39 %");
    assertThat(out).containsPattern("v_proj +4096 x 4096 +32 +65,536 +0.39 %");
  }

  @Test
  void theItemsOfTheMemoryAddUp() {
    Map<String, @Nullable Object> plan = json("--shape", "layers=2,hidden=64,ffn=160,heads=4,vocab=384");
    // Every weight in 4 bytes; moments for each trained number, twice 4 bytes.
    assertThat(number(plan, "weight_bytes")).isEqualTo(4 * number(plan, "base_parameters"));
    assertThat(number(plan, "optimizer_bytes")).isEqualTo(8 * number(plan, "trained_parameters"));
    assertThat(number(plan, "adapter_bytes")).isEqualTo(4 * number(plan, "trained_parameters"));
    assertThat(number(plan, "total_bytes")).isEqualTo(number(plan, "weight_bytes")
        + number(plan, "adapter_bytes") + number(plan, "optimizer_bytes") + number(plan, "activation_bytes")
        + number(plan, "input_bytes"));
    // Ids and positions are 8 bytes each for 8 x 512 tokens; a label has a row, an id and a weight.
    assertThat(number(plan, "input_bytes")).isBetween(8L * 512 * 16, 8L * 512 * 40);
  }

  @ParameterizedTest
  @ValueSource(strings = {"2147483647", "1073741823", "100000000"})
  void aBatchBeyondAllMachinesIsRefused(String batch) {
    assertThat(
        Captured.run("plan", "--shape", "layers=2,hidden=64,ffn=160,heads=4,vocab=384", "--batch", batch,
            "--max-length", "2").refused())
        .contains("A batch of " + batch + " x 2 tokens", "lower the batch");
  }

  @Test
  void checkpointingNeedsLessMemoryForActivations() {
    String shape = "layers=6,hidden=64,ffn=160,heads=4,vocab=100";
    assertThat(number(json("--shape", shape, "--gradient-checkpointing"), "activation_bytes"))
        .isLessThan(number(json("--shape", shape), "activation_bytes") / 2);
  }

  @Test
  void aModelFolderIsPlannedFromItsHeaders() {
    Path model = TinyModel.folder();
    Map<String, @Nullable Object> plan = json("--model", model.toString(), "--targets", "q_proj", "--rank",
        "4");
    // Two layers of 64 x 64: 4 · (64 + 64) each.
    assertThat(number(plan, "trained_parameters")).isEqualTo(1024);
  }

  @Test
  void methodsAreComparedLineByLine() {
    String out = Captured.run("plan", "--shape", "probe", "--method", "lora", "--method", "prefix-tuning",
        "--rank", "4", "--set", "num_virtual_tokens=20", "--batch", "1", "--max-length", "16").done().out();
    assertThat(out.lines().findFirst().orElseThrow()).contains("step of 1 x 16 tokens");
    assertThat(out.lines().skip(2).findFirst().orElseThrow()).contains("method", "trained", "frozen weights",
        "total");
    // 20 keys and 20 values of 512 numbers in each of 4 layers.
    assertThat(out).containsPattern("prefix-tuning +81.9 k ").containsPattern("lora +156 k ");
    Captured all = Captured.run("plan", "--shape", "probe", "--compare", "--batch", "1", "--max-length",
        "16");
    assertThat(all.code()).isZero();
    // A prefix and a prompt have 20 tokens unless something else is asked for.
    assertThat(all.out()).contains("lora", "dora").containsPattern("prefix-tuning +81.9 k ")
        .containsPattern("prompt-tuning +10.2 k ");
    assertThat(all.err()).isEmpty();
    Captured some = Captured.run("plan", "--shape", "probe", "--compare", "--rank", "0");
    assertThat(some.out()).contains("prefix-tuning").doesNotContain("dora");
    assertThat(some.err()).contains("lora is left out", "dora is left out");
    assertThat(Captured.run("plan", "--shape", "probe", "--compare", "--set", "nothing=1").refused())
        .contains("has a setting nothing");
  }

  @Test
  void loraQloraDoraAndPrefixTuningStandSideBySideWithWhatEachTrains() {
    String out = Captured.run("plan", "--shape", "probe", "--method", "lora", "--method", "dora", "--method",
        "prefix-tuning", "--rank", "8", "--targets", "q_proj", "--set", "num_virtual_tokens=20", "--quantize",
        "nf4", "--batch", "1", "--max-length", "16").done().out();
    assertThat(out.lines().map(line -> line.replaceAll(" {2,}.*", ""))).containsSubsequence("method", "lora",
        "dora", "prefix-tuning", "lora on nf4", "dora on nf4", "prefix-tuning on nf4", "method", "lora",
        "dora",
        "prefix-tuning");
    assertThat(out).containsPattern("lora +lora_A, lora_B at 4 modules: q_proj\\n")
        .containsPattern("dora +lora_A, lora_B, lora_magnitude_vector at 4 modules: q_proj\\n")
        .containsPattern("prefix-tuning +prompt_embeddings at 4 modules: self_attn\\n");
  }

  @Test
  void aPlanInFourBitsIsThePlanOfTheModelThatIsQuantised(@TempDir Path folder) {
    Path quantised = folder.resolve("nf4");
    String dense = TinyModel.folder().toString();
    Captured.run("quantize", dense, quantised.toString()).done();
    Map<String, @Nullable Object> planned = json("--model", dense, "--quantize", "nf4");
    assertThat(planned).containsEntry("quantizer", "nf4");
    planned.put("quantizer", null);
    assertThat(planned).isEqualTo(json("--model", quantised.toString()));
    assertThat(number(planned, "weight_bytes"))
        .isLessThan(number(json("--model", dense), "weight_bytes") / 2);
    assertThat(Captured.run("plan", "--model", quantised.toString(), "--quantize", "nf4").refused())
        .contains("quantised already");
    assertThat(Captured.run("plan", "--model", dense, "--quantize", "nf5").refused()).contains("nf4");
  }

  @Test
  void faultsAreToldTogether() {
    assertThat(Captured.run("plan", "--batch", "0", "--max-length", "1").refused())
        .contains("--model DIR or --shape NAME", "--batch must be 1 or more",
            "--max-length must be 2 or more");
    assertThat(Captured.run("plan", "--shape", "layers=2,hiden=8,ffn=-1,heads=3,vocab=9").refused())
        .contains("\"hiden\" is no size (did you mean \"hidden\"?)", "ffn must be a whole number",
            "hidden is missing");
    assertThat(Captured.run("plan", "--shape", "llama7b").refused()).contains("did you mean \"llama-7b\"");
  }

  @Test
  void aSettingThatTheMethodDoesNotHaveIsRefusedWithTheNearestName() {
    assertThat(Captured.run("plan", "--shape", "probe", "--set", "lora_aplha=3", "--set", "r=0").refused())
        .contains("lora_aplha", "did you mean \"lora_alpha\"", "\"r\"");
    assertThat(Captured.run("plan", "--shape", "probe", "--targets", "q_prj").refused()).contains("q_prj",
        "q_proj");
  }

  private static Map<String, @Nullable Object> json(String... args) {
    String[] all = new String[args.length + 2];
    all[0] = "plan";
    System.arraycopy(args, 0, all, 1, args.length);
    all[args.length + 1] = "--json";
    return Json.object(Captured.run(all).done().out(), "plan");
  }

  private static long number(Map<String, @Nullable Object> fields, String name) {
    return ((Number) Objects.requireNonNull(fields.get(name))).longValue();
  }
}
