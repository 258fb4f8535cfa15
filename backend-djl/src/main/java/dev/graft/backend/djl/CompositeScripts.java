package dev.graft.backend.djl;

import dev.graft.compiler.memory.InPlaceUpdates;
import dev.graft.graph.Composite;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.AdamW;
import dev.graft.graph.nn.Attention;
import dev.graft.graph.nn.BlockDequantize;
import dev.graft.graph.nn.CrossEntropy;
import dev.graft.graph.nn.GatedActivation;
import dev.graft.graph.nn.LayerNorm;
import dev.graft.graph.nn.RmsNorm;
import dev.graft.graph.nn.RotaryEmbedding;
import dev.graft.graph.nn.Softmax;

/** Chooses the composites that have an operator of PyTorch's, or a shorter way, to run by. */
final class CompositeScripts {
  private CompositeScripts() {
  }

  /** Tells whether a node is run as it is, rather than by its decomposition. */
  static boolean knows(Tensor node, InPlaceUpdates updates) {
    if (node.shape().size() == 0 || node.inputs().stream().anyMatch(x -> x.shape().size() == 0)) {
      return false;
    }
    return switch (node.op()) {
      case Attention attention -> attention.softcap() == 0;
      case Attention.Backward backward -> backward.forward().softcap() == 0;
      case BlockDequantize dequantize -> DequantizeScripts.knows(dequantize);
      case AdamW _ -> updates.isUpdate(node);
      case RmsNorm _,RmsNorm.Backward _,LayerNorm _,RotaryEmbedding _ -> true;
      case Activation _,Activation.Backward _,GatedActivation _,GatedActivation.Backward _ -> true;
      case CrossEntropy _,CrossEntropy.Backward _,Softmax _ -> true;
      default -> false;
    };
  }

  static void write(ScriptWriter out, Tensor node, Composite composite) {
    switch (composite) {
      case Attention attention -> AttentionScripts.forward(out, node, attention);
      case Attention.Backward backward -> AttentionScripts.backward(out, node, backward.forward());
      case BlockDequantize dequantize -> DequantizeScripts.write(out, node, dequantize);
      case AdamW adam -> OptimizerScripts.update(out, node, adam);
      case RmsNorm norm -> NormScripts.forward(out, node, norm);
      case RmsNorm.Backward backward -> NormScripts.backward(out, node, backward.norm());
      case LayerNorm norm -> NormScripts.layerNorm(out, node, norm);
      case RotaryEmbedding rotary -> RotaryScripts.write(out, node, rotary);
      case Activation activation -> ActivationScripts.forward(out, node, activation.function());
      case Activation.Backward backward -> ActivationScripts.backward(out, node, backward.function());
      case GatedActivation gated -> ActivationScripts.gated(out, node, gated.function());
      case GatedActivation.Backward gated -> ActivationScripts.gatedBackward(out, node, gated.function());
      case CrossEntropy _ -> LossScripts.forward(out, node);
      case CrossEntropy.Backward _ -> LossScripts.backward(out, node);
      case Softmax _ -> out.define(node, "torch.softmax(" + out.name(node.input(0)) + ", -1, None)");
      case AddMatMul product -> MatMulScripts.added(out, node, product);
      default -> throw new IllegalStateException(composite.name() + " was not expanded");
    }
  }
}
