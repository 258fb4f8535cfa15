package dev.graft.models;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Checks the kinds of scaling against formulas written out from the papers, in a Llama of one layer. */
class RopeSettingsTests {
  private static final int HIDDEN = 8;
  private static final int DIM = 8;
  private static final int LENGTH = 24;
  private static final double EPSILON = 1e-6;

  private final Loops loops = new Loops(14);

  RopeSettingsTests() {
    loops.parameter("model.embed_tokens.weight", 19, HIDDEN);
    String name = "model.layers.0";
    loops.parameter(name + ".input_layernorm.weight", HIDDEN);
    for (String projection : new String[]{"q", "k", "v", "o"}) {
      loops.parameter(name + ".self_attn." + projection + "_proj.weight", HIDDEN, HIDDEN);
      loops.parameter(name + ".self_attn." + projection + "_proj.bias", HIDDEN);
    }
    loops.parameter(name + ".post_attention_layernorm.weight", HIDDEN);
    for (String projection : new String[]{"gate", "up", "down"}) {
      loops.parameter(name + ".mlp." + projection + "_proj.weight", HIDDEN, HIDDEN);
      loops.parameter(name + ".mlp." + projection + "_proj.bias", HIDDEN);
    }
    loops.parameter("model.norm.weight", HIDDEN);
  }

  private void check(String rope, double[] frequencies, double magnitude) {
    check(64, rope, frequencies, magnitude);
  }

  private void check(int maxPositions, String rope, double[] frequencies, double magnitude) {
    String json = """
        {"vocab_size": 19, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1,
         "num_attention_heads": 1, "max_position_embeddings": %d, "attention_bias": true, "mlp_bias": true,
         "tie_word_embeddings": true, %s}""".formatted(maxPositions, rope);
    Forward.check(new LlamaFamily(), json, loops, LENGTH,
        (ids, mask) -> forward(ids, mask, frequencies, magnitude));
  }

  private double[][] forward(long[] ids, long[] mask, double[] frequencies, double magnitude) {
    String name = "model.layers.0";
    double[][] x = loops.embed("model.embed_tokens", ids, HIDDEN, 1);
    double[][] in = loops.rmsNorm(name + ".input_layernorm", x, EPSILON, 0);
    double[][] q = Loops.rotate(loops.linear(name + ".self_attn.q_proj", in), DIM, frequencies, magnitude);
    double[][] k = Loops.rotate(loops.linear(name + ".self_attn.k_proj", in), DIM, frequencies, magnitude);
    double[][] v = loops.linear(name + ".self_attn.v_proj", in);
    x = Loops.plus(x, loops.linear(name + ".self_attn.o_proj",
        Loops.attend(new Loops.Attention(DIM, 1 / Math.sqrt(DIM), 0, 0), q, k, v, mask)));
    in = loops.rmsNorm(name + ".post_attention_layernorm", x, EPSILON, 0);
    x = Loops.plus(x, loops.linear(name + ".mlp.down_proj",
        Loops.silu(loops.linear(name + ".mlp.gate_proj", in), loops.linear(name + ".mlp.up_proj", in))));
    return loops.linear("model.embed_tokens", loops.rmsNorm("model.norm", x, EPSILON, 0));
  }

  private static double[] plain(double theta) {
    return new double[]{1, Math.pow(theta, -0.25), Math.pow(theta, -0.5), Math.pow(theta, -0.75)};
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "\"rope_theta\": 500.0, \"rope_scaling\": null",
    "\"rope_theta\": 500, \"rope_scaling\": {}",
    "\"rope_theta\": 500.0, \"rope_scaling\": {\"type\": \"default\"}",
    "\"rope_parameters\": {\"rope_theta\": 500.0, \"rope_type\": \"default\"}",
    "\"rope_theta\": 7.0, \"rope_parameters\": {\"rope_theta\": 500.0, \"partial_rotary_factor\": 1.0}"})
  void bothSpellingsAreRead(String rope) {
    check(rope, plain(500), 1);
  }

  @Test
  void linearScalingInterpolatesPositions() {
    double[] slowed = plain(10000);
    for (int i = 0; i < slowed.length; i++) {
      slowed[i] /= 4;
    }
    check("\"rope_scaling\": {\"type\": \"linear\", \"factor\": 4.0}", slowed, 1);
  }

  @Test
  void llama3SlowsLowFrequencies() {
    double[] slowed = plain(100);
    for (int i = 0; i < slowed.length; i++) {
      double wave = 2 * Math.PI / slowed[i];
      double smooth = Math.clamp((16 / wave - 1) / (4 - 1), 0, 1);
      slowed[i] = (1 - smooth) * slowed[i] / 8 + smooth * slowed[i];
    }
    check("""
        "rope_theta": 100.0, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 16}""", slowed, 1);
  }

  @Test
  void yarnMixesInterpolationAndExtrapolation() {
    double[] mixed = plain(100);
    // A pair i turns 16 · 100^(−i/4) / 2π times: β 2 lies at pair 0.21 and β 0.5 at pair 1.41, so the ramp
    // runs from pair 0 to pair 2.
    for (int i = 0; i < mixed.length; i++) {
      double interpolated = Math.min(1, i / 2.0);
      mixed[i] = mixed[i] / 4 * interpolated + mixed[i] * (1 - interpolated);
    }
    check("""
        "rope_theta": 100.0, "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "beta_fast": 2,
        "beta_slow": 0.5, "original_max_position_embeddings": 16}""", mixed, 0.1 * Math.log(4) + 1);
  }

  @Test
  void yarnTakesAnAttentionFactorOfItsOwn() {
    double[] slowed = plain(100);
    // With β 32 and 1 no pair turns often enough to be left alone: the ramp runs from pair 0 to pair 1.
    for (int i = 1; i < slowed.length; i++) {
      slowed[i] /= 4;
    }
    check("""
        "rope_theta": 100.0, "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "attention_factor": 1.3,
        "original_max_position_embeddings": 16}""", slowed, 1.3);
  }

  @Test
  void dynamicScalingLeavesShortSequencesAlone() {
    check("\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 4.0}", plain(10000), 1);
  }

  @Test
  void dynamicScalingGrowsTheBaseWithTheSequence() {
    // 24 tokens of a model for 10: 4 · 24/10 − 3 = 6.6.
    check(10, "\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 4.0}",
        plain(10000 * Math.pow(6.6, 8 / 6.0)), 1);
  }

  @Test
  void longRopeTakesAFactorOfItsOwn() {
    double[] divided = plain(10000);
    double[] divisors = {1.5, 2, 3, 4};
    for (int i = 0; i < divided.length; i++) {
      divided[i] /= divisors[i];
    }
    check("""
        "rope_parameters": {"rope_type": "longrope", "factor": 6.0, "short_factor": [1, 1, 1, 1],
        "long_factor": [1.5, 2, 3, 4], "original_max_position_embeddings": 16}""", divided,
        Math.sqrt(1 + Math.log(6) / Math.log(16)));
  }
}
