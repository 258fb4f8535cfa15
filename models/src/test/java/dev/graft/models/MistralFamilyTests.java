package dev.graft.models;

import org.junit.jupiter.api.Test;

/** Checks Mistral against loops written after Jiang et al. 2023 and its published configuration. */
class MistralFamilyTests {
  private static final int HIDDEN = 12;
  private static final int DIM = 4;
  private static final int DEPTH = 2;
  private static final double EPSILON = 1e-5;

  private final Loops loops = new Loops(11);

  MistralFamilyTests() {
    loops.parameter("model.embed_tokens.weight", 19, HIDDEN);
    for (int i = 0; i < DEPTH; i++) {
      String name = "model.layers." + i;
      loops.parameter(name + ".input_layernorm.weight", HIDDEN);
      loops.parameter(name + ".self_attn.q_proj.weight", 4 * DIM, HIDDEN);
      loops.parameter(name + ".self_attn.k_proj.weight", 2 * DIM, HIDDEN);
      loops.parameter(name + ".self_attn.v_proj.weight", 2 * DIM, HIDDEN);
      loops.parameter(name + ".self_attn.o_proj.weight", HIDDEN, 4 * DIM);
      loops.parameter(name + ".post_attention_layernorm.weight", HIDDEN);
      loops.parameter(name + ".mlp.gate_proj.weight", 14, HIDDEN);
      loops.parameter(name + ".mlp.up_proj.weight", 14, HIDDEN);
      loops.parameter(name + ".mlp.down_proj.weight", HIDDEN, 14);
    }
    loops.parameter("model.norm.weight", HIDDEN);
    loops.parameter("lm_head.weight", 19, HIDDEN);
  }

  private static String config(String window) {
    return """
        {"vocab_size": 19, "hidden_size": 12, "intermediate_size": 14, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 4, "rms_norm_eps": 1e-5,
         "rope_theta": 1000.0%s}""".formatted(window);
  }

  private double[][] forward(long[] ids, long[] mask, int... windows) {
    double[] frequencies = {1, Math.pow(1000, -0.5)};
    double[][] x = loops.embed("model.embed_tokens", ids, HIDDEN, 1);
    for (int i = 0; i < DEPTH; i++) {
      String name = "model.layers." + i;
      double[][] in = loops.rmsNorm(name + ".input_layernorm", x, EPSILON, 0);
      double[][] q = Loops.rotate(loops.linear(name + ".self_attn.q_proj", in), DIM, frequencies, 1);
      double[][] k = Loops.rotate(loops.linear(name + ".self_attn.k_proj", in), DIM, frequencies, 1);
      double[][] v = loops.linear(name + ".self_attn.v_proj", in);
      double[][] mixed = Loops.attend(new Loops.Attention(DIM, 0.5, 0, windows[i]), q, k, v, mask);
      x = Loops.plus(x, loops.linear(name + ".self_attn.o_proj", mixed));
      in = loops.rmsNorm(name + ".post_attention_layernorm", x, EPSILON, 0);
      x = Loops.plus(x, loops.linear(name + ".mlp.down_proj", Loops
          .silu(loops.linear(name + ".mlp.gate_proj", in), loops.linear(name + ".mlp.up_proj", in))));
    }
    return loops.linear("lm_head", loops.rmsNorm("model.norm", x, EPSILON, 0));
  }

  @Test
  void aTokenSeesTheWindowAlone() {
    Forward.check(new MistralFamily(), config(", \"sliding_window\": 3"), loops, 13,
        (ids, mask) -> forward(ids, mask, 3, 3));
  }

  @Test
  void aWindowOfNullIsNone() {
    Forward.check(new MistralFamily(), config(", \"sliding_window\": null"), loops, 13,
        (ids, mask) -> forward(ids, mask, 0, 0));
  }

  @Test
  void layerTypesSayWhichLayersSlide() {
    Forward.check(new MistralFamily(),
        config(", \"sliding_window\": 3, \"layer_types\": [\"full_attention\", \"sliding_attention\"]"),
        loops,
        13, (ids, mask) -> forward(ids, mask, 0, 3));
  }
}
