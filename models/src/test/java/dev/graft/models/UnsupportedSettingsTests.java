package dev.graft.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.spi.ModelFamily;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checks that what a family does not build is refused by a message that names it. */
class UnsupportedSettingsTests {
  private static final String SIZES = """
      {"vocab_size": 19, "hidden_size": 16, "intermediate_size": 14, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8""";

  private static ModelFamily family(String id) {
    return switch (id) {
      case "llama" -> new LlamaFamily();
      case "mistral" -> new MistralFamily();
      case "qwen2" -> new Qwen2Family();
      case "qwen3" -> new Qwen3Family();
      case "gemma" -> new GemmaFamily();
      case "gemma2" -> new Gemma2Family();
      case "phi3" -> new Phi3Family();
      default -> throw new IllegalArgumentException(id);
    };
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
    "llama   | \"hidden_act\": \"relu2\" | \"hidden_act\" \"relu2\" is not supported",
    "llama   | \"rope_scaling\": {\"type\": \"mrope\"} | \"rope_scaling.type\" \"mrope\" is not supported",
    "llama   | \"rope_scaling\": {\"type\": \"linear\"} | \"rope_scaling.factor\" is missing",
    "llama   | \"rope_scaling\": {\"type\": \"linear\", \"factor\": -2} | must be a number above 0, not -2.0",
    "llama   | \"rope_scaling\": {\"type\": \"linear\", \"factor\": \"2\"} | must be a number, not \"2\"",
    "llama   | \"partial_rotary_factor\": 0.5 | \"partial_rotary_factor\" other than 1 is not supported",
    "llama   | \"rope_theta\": 0 | \"rope_theta\" must be a number above 1, not 0.0",
    "llama   | \"per_layer_config\": {\"1\": {\"num_attention_heads\": 2}} | \"per_layer_config\" is not supp",
    "llama   | \"rms_norm_eps\": -1 | \"rms_norm_eps\" must be 0 or more, not -1.0",
    "llama   | \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 2, \"beta_slow\": -1} | must be a number above 0",
    "mistral | \"attention_bias\": true | \"attention_bias\" true is not supported",
    "mistral | \"sliding_window\": 0 | \"sliding_window\" must be a size of 1 or more, not 0",
    "mistral | \"layer_types\": [\"full_attention\", \"chunked_attention\"] | \"chunked_attention\" is not supp",
    "mistral | \"layer_types\": [\"full_attention\"] | must have one entry for each of 2 layers, not 1",
    "qwen2   | \"layer_types\": [\"full_attention\", \"sliding_attention\"] | \"sliding_window\" must be set",
    "qwen2   | \"rope_parameters\": {\"full_attention\": {}} | \"rope_parameters.full_attention\" is not supp",
    "gemma   | \"use_bidirectional_attention\": true | \"use_bidirectional_attention\" true is not supported",
    "gemma   | \"hidden_activation\": \"silu\" | \"hidden_activation\" must not say otherwise",
    "gemma2  | \"final_logit_softcapping\": -3 | must be above 0, or null for none, not -3.0",
    "phi3    | \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2} | \"linear\" is not supported by phi3",
    "phi3    | \"rope_scaling\": {\"type\": \"su\", \"short_factor\": [1], \"long_factor\": [1, 1, 1, 1]} | short_factor\" must be a list of 4 numbers",
    "phi3    | \"partial_rotary_factor\": 0 | must leave 1 to 8 features",
    "qwen3   | \"num_key_value_heads\": 3 | must divide num_attention_heads 4, not 3"})
  void aSettingThatChangesTheArithmeticIsRefused(String id, String field, String message) {
    String name = field.substring(0, field.indexOf(':'));
    String rest = SIZES.lines().map(line -> line.replaceAll(name + ": \\d+,? ?", ""))
        .reduce("", (a, b) -> a + b);
    assertThatThrownBy(() -> Forward.read(family(id), rest + ", " + field + "}"))
        .isInstanceOf(GraftException.class).hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource({"llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "phi3"})
  void plainSettingsAreAccepted(String id) {
    assertThatCode(() -> Forward.read(family(id), SIZES + "}")).doesNotThrowAnyException();
  }

  @Test
  void allFaultsAreReportedAtOnceAndEachOnce() {
    assertThatThrownBy(() -> Forward.read(new LlamaFamily(), """
        {"num_attention_heads": 4, "intermediate_size": 8, "vocab_size": 9, "num_hidden_layers": 0,
         "rope_scaling": {"rope_type": "yarn"}}""")).isInstanceOf(GraftException.class).message().satisfies(
        message -> assertThat(message.split("; ")).containsExactlyInAnyOrder(
            "config.json: \"hidden_size\" is missing",
            "\"num_hidden_layers\" must be a size of 1 or more, not 0",
            "\"rope_scaling.factor\" is missing, which scaling \"yarn\" needs"));
  }

  @Test
  void gpt2RefusesCrossAttention() {
    assertThatThrownBy(() -> Forward.read(new Gpt2Family(), """
        {"vocab_size": 19, "n_embd": 16, "n_head": 3, "n_layer": 1, "add_cross_attention": true}"""))
        .hasMessageContaining("\"add_cross_attention\" true is not supported")
        .hasMessageContaining("\"n_embd\" must be a multiple of n_head 3, not 16");
  }

  @Test
  void gpt2RefusesSequencesBeyondItsPositions() {
    Loops loops = new Loops(15);
    loops.parameter("transformer.wte.weight", 19, 8);
    loops.parameter("transformer.wpe.weight", 5, 8);
    for (String norm : new String[]{"h.0.ln_1", "h.0.ln_2", "ln_f"}) {
      loops.parameter("transformer." + norm + ".weight", 8);
      loops.parameter("transformer." + norm + ".bias", 8);
    }
    long[][] shapes = {{8, 24}, {8, 8}, {8, 32}, {32, 8}};
    String[] names = {"attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"};
    for (int i = 0; i < names.length; i++) {
      loops.parameter("transformer.h.0." + names[i] + ".weight", shapes[i]);
      loops.parameter("transformer.h.0." + names[i] + ".bias", shapes[i][1]);
    }
    assertThatThrownBy(() -> Forward.check(new Gpt2Family(), """
        {"vocab_size": 19, "n_embd": 8, "n_head": 2, "n_layer": 1, "n_positions": 5}""", loops, 6,
        (ids, mask) -> new double[0][])).isInstanceOf(GraftException.class)
        .hasMessageContaining("A sequence of 6 tokens")
        .hasMessageContaining("learned 5 positions");
  }
}
