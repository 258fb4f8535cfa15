package dev.graft.models;

import org.junit.jupiter.api.Test;

/** Checks Gemma 2 against loops written after the report of the Gemma Team (2024). */
class Gemma2FamilyTests {
  private static final int HIDDEN = 12;
  private static final int DIM = 6;
  private static final int DEPTH = 3;
  private static final double EPSILON = 1e-6;

  private final Loops loops = new Loops(12);

  Gemma2FamilyTests() {
    loops.parameter("model.embed_tokens.weight", 19, HIDDEN);
    for (int i = 0; i < DEPTH; i++) {
      String name = "model.layers." + i;
      for (String norm : new String[]{"input_layernorm", "post_attention_layernorm",
        "pre_feedforward_layernorm", "post_feedforward_layernorm"}) {
        loops.parameter(name + "." + norm + ".weight", HIDDEN);
      }
      loops.parameter(name + ".self_attn.q_proj.weight", 4 * DIM, HIDDEN);
      loops.parameter(name + ".self_attn.k_proj.weight", 2 * DIM, HIDDEN);
      loops.parameter(name + ".self_attn.v_proj.weight", 2 * DIM, HIDDEN);
      loops.parameter(name + ".self_attn.o_proj.weight", HIDDEN, 4 * DIM);
      loops.parameter(name + ".mlp.gate_proj.weight", 14, HIDDEN);
      loops.parameter(name + ".mlp.up_proj.weight", 14, HIDDEN);
      loops.parameter(name + ".mlp.down_proj.weight", HIDDEN, 14);
    }
    loops.parameter("model.norm.weight", HIDDEN);
  }

  private static String config(String more) {
    return """
        {"vocab_size": 19, "hidden_size": 12, "intermediate_size": 14, "num_hidden_layers": 3,
         "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 6, "sliding_window": 4,
         "query_pre_attn_scalar": 10%s}""".formatted(more);
  }

  private double[][] forward(long[] ids, long[] mask, double attentionCap, double logitCap, int... windows) {
    double[] frequencies = {1, Math.pow(10000, -1 / 3.0), Math.pow(10000, -2 / 3.0)};
    double[][] x = loops.embed("model.embed_tokens", ids, HIDDEN, Math.sqrt(HIDDEN));
    for (int i = 0; i < DEPTH; i++) {
      String name = "model.layers." + i;
      double[][] in = loops.rmsNorm(name + ".input_layernorm", x, EPSILON, 1);
      double[][] q = Loops.rotate(loops.linear(name + ".self_attn.q_proj", in), DIM, frequencies, 1);
      double[][] k = Loops.rotate(loops.linear(name + ".self_attn.k_proj", in), DIM, frequencies, 1);
      double[][] v = loops.linear(name + ".self_attn.v_proj", in);
      double[][] mixed = Loops.attend(
          new Loops.Attention(DIM, 1 / Math.sqrt(10), attentionCap, windows[i]), q, k, v, mask);
      x = Loops.plus(x, loops.rmsNorm(name + ".post_attention_layernorm",
          loops.linear(name + ".self_attn.o_proj", mixed), EPSILON, 1));
      in = loops.rmsNorm(name + ".pre_feedforward_layernorm", x, EPSILON, 1);
      double[][] fed = loops.linear(name + ".mlp.down_proj", Loops
          .geluTanh(loops.linear(name + ".mlp.gate_proj", in), loops.linear(name + ".mlp.up_proj", in)));
      x = Loops.plus(x, loops.rmsNorm(name + ".post_feedforward_layernorm", fed, EPSILON, 1));
    }
    double[][] logits = loops.linear("model.embed_tokens", loops.rmsNorm("model.norm", x, EPSILON, 1));
    for (double[] row : logits) {
      for (int i = 0; i < row.length && logitCap > 0; i++) {
        row[i] = logitCap * Math.tanh(row[i] / logitCap);
      }
    }
    return logits;
  }

  @Test
  void everyOtherLayerSlidesFromTheFirstOn() {
    Forward.check(new Gemma2Family(),
        config(", \"attn_logit_softcapping\": 1.5, \"final_logit_softcapping\": 2.5"), loops, 14,
        (ids, mask) -> forward(ids, mask, 1.5, 2.5, 4, 0, 4));
  }

  @Test
  void absentBoundsAreThoseOfTheRelease() {
    Forward.check(new Gemma2Family(), config(""), loops, 14,
        (ids, mask) -> forward(ids, mask, 50, 30, 4, 0, 4));
  }

  @Test
  void boundsOfNullAreNone() {
    Forward.check(new Gemma2Family(), config("""
        , "attn_logit_softcapping": null, "final_logit_softcapping": null,
        "layer_types": ["full_attention", "full_attention", "sliding_attention"]"""), loops, 14,
        (ids, mask) -> forward(ids, mask, 0, 0, 0, 0, 4));
  }
}
