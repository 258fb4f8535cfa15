package dev.graft.models;

import org.junit.jupiter.api.Test;

/** Checks Phi-3 against loops written after Abdin et al. 2024, and LongRoPE (Ding et al. 2024). */
class Phi3FamilyTests {
  private static final int HIDDEN = 16;
  private static final int DIM = 8;
  private static final int DEPTH = 2;
  private static final double EPSILON = 1e-5;

  private final Loops loops = new Loops(13);

  Phi3FamilyTests() {
    loops.parameter("model.embed_tokens.weight", 19, HIDDEN);
    for (int i = 0; i < DEPTH; i++) {
      String name = "model.layers." + i;
      loops.parameter(name + ".input_layernorm.weight", HIDDEN);
      loops.parameter(name + ".self_attn.qkv_proj.weight", 4 * DIM, HIDDEN);
      loops.parameter(name + ".self_attn.o_proj.weight", HIDDEN, 2 * DIM);
      loops.parameter(name + ".post_attention_layernorm.weight", HIDDEN);
      loops.parameter(name + ".mlp.gate_up_proj.weight", 28, HIDDEN);
      loops.parameter(name + ".mlp.down_proj.weight", HIDDEN, 14);
    }
    loops.parameter("model.norm.weight", HIDDEN);
    loops.parameter("lm_head.weight", 19, HIDDEN);
  }

  private static String config(String more) {
    return """
        {"vocab_size": 19, "hidden_size": 16, "intermediate_size": 14, "num_hidden_layers": 2,
         "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 48%s}"""
        .formatted(more);
  }

  private double[][] forward(long[] ids, long[] mask, double[] frequencies, double magnitude, int window) {
    double[][] x = loops.embed("model.embed_tokens", ids, HIDDEN, 1);
    for (int i = 0; i < DEPTH; i++) {
      String name = "model.layers." + i;
      double[][] joined = loops.linear(name + ".self_attn.qkv_proj",
          loops.rmsNorm(name + ".input_layernorm", x, EPSILON, 0));
      double[][] q = Loops.rotate(Loops.columns(joined, 0, 16), DIM, frequencies, magnitude);
      double[][] k = Loops.rotate(Loops.columns(joined, 16, 24), DIM, frequencies, magnitude);
      double[][] v = Loops.columns(joined, 24, 32);
      double[][] mixed = Loops.attend(new Loops.Attention(DIM, 1 / Math.sqrt(DIM), 0, window), q, k, v, mask);
      x = Loops.plus(x, loops.linear(name + ".self_attn.o_proj", mixed));
      double[][] both = loops.linear(name + ".mlp.gate_up_proj",
          loops.rmsNorm(name + ".post_attention_layernorm", x, EPSILON, 0));
      x = Loops.plus(x, loops.linear(name + ".mlp.down_proj",
          Loops.silu(Loops.columns(both, 0, 14), Loops.columns(both, 14, 28))));
    }
    return loops.linear("lm_head", loops.rmsNorm("model.norm", x, EPSILON, 0));
  }

  private static double[] frequencies(int rotated, double... divisors) {
    double[] out = new double[rotated / 2];
    for (int i = 0; i < out.length; i++) {
      out[i] = Math.pow(10000, -2.0 * i / rotated) / (divisors.length == 0 ? 1 : divisors[i]);
    }
    return out;
  }

  @Test
  void projectionsAreJoinedAndWindowsSlide() {
    Forward.check(new Phi3Family(), config(", \"sliding_window\": 4"), loops, 14,
        (ids, mask) -> forward(ids, mask, frequencies(DIM), 1, 4));
  }

  @Test
  void featuresBeyondTheRotatedOnesStayAsTheyAre() {
    Forward.check(new Phi3Family(), config(", \"partial_rotary_factor\": 0.75"), loops, 14,
        (ids, mask) -> forward(ids, mask, frequencies(6), 1, 0));
  }

  private static final String LONGROPE = """
      , "original_max_position_embeddings": 12, "partial_rotary_factor": 0.75, "rope_scaling":
      {"%s": "%s", "short_factor": [1.0, 1.1, 1.5], "long_factor": [1.5, 4.0, 9.0]}""";

  /** The context grows from 12 to 48 positions: fourfold. */
  private static final double MAGNITUDE = Math.sqrt(1 + Math.log(4) / Math.log(12));

  @Test
  void sequencesUpToTheOriginalLengthUseTheShortFactors() {
    Forward.check(new Phi3Family(), config(LONGROPE.formatted("rope_type", "longrope")), loops, 12,
        (ids, mask) -> forward(ids, mask, frequencies(6, 1, 1.1, 1.5), MAGNITUDE, 0));
  }

  @Test
  void longerSequencesUseTheLongFactors() {
    Forward.check(new Phi3Family(), config(LONGROPE.formatted("type", "longrope")), loops, 13,
        (ids, mask) -> forward(ids, mask, frequencies(6, 1.5, 4, 9), MAGNITUDE, 0));
  }

  @Test
  void theFirstReleasesCallItSu() {
    Forward.check(new Phi3Family(), config(LONGROPE.formatted("type", "su")), loops, 13,
        (ids, mask) -> forward(ids, mask, frequencies(6, 1.5, 4, 9), MAGNITUDE, 0));
  }
}
