package dev.graft.models;

import dev.graft.graph.nn.Activation;
import dev.graft.spi.Configuration;

/** Reads the names that {@code config.json} gives activation functions. */
final class Activations {
  private Activations() {
  }

  static Activation.Function read(Configuration json, String key, String fallback) {
    String name = json.text(key, fallback);
    return switch (name) {
      case "silu", "swish" -> Activation.Function.SILU;
      case "gelu", "gelu_python" -> Activation.Function.GELU;
      case "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_python_tanh" -> Activation.Function.GELU_TANH;
      case "relu" -> Activation.Function.RELU;
      default -> {
        json.fault(key, "\"" + name + "\" is not supported; known are silu, gelu, gelu_new,"
            + " gelu_pytorch_tanh, relu");
        yield Activation.Function.SILU;
      }
    };
  }
}
