package dev.graft.core.train;

import dev.graft.compiler.autodiff.Differentiated;
import dev.graft.compiler.autodiff.Gradients;
import dev.graft.compiler.pass.Passes;
import dev.graft.core.TrainingOptions;
import dev.graft.core.batch.BatchLayout;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.graph.Assignment;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.AdamW;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Builds the graphs of a step. A step of one batch is one graph; a step of several adds gradients up in
 * variables, and its last batch updates.
 */
final class StepPrograms {
  static final String NORM = "gradient_norm";
  static final String SQUARES = "gradient_squares";
  static final String RATE = "learning_rate";
  static final String CORRECTION1 = "correction1";
  static final String CORRECTION2 = "correction2";
  static final String DECAY = "decay";

  /** What a batch does with its gradients. */
  enum Role {
    /** The only batch of its step: updates at once. */
    WHOLE,
    /** Adds its gradients to those so far. */
    ADDS,
    /** Adds its own, updates, and starts the sums again. */
    ENDS
  }

  private final ModelGraphs graphs;
  private final TrainingOptions options;
  private final DType type;

  StepPrograms(ModelGraphs graphs, TrainingOptions options) {
    this.graphs = graphs;
    this.options = options;
    this.type = new GraphOptions(options.computeType(), true, false, 0).parameterType();
  }

  static String moment1(String variable) {
    return "optimizer/m/" + variable;
  }

  static String moment2(String variable) {
    return "optimizer/v/" + variable;
  }

  static String sum(String variable) {
    return "optimizer/sum/" + variable;
  }

  Graph build(RowGroup group, BatchLayout layout, Role role) {
    ModelGraphs.LossGraph forward = graphs.loss(group, layout).merged();
    List<Tensor> parameters = List.copyOf(forward.trainable().values());
    Differentiated both = Gradients.of(forward.loss(), parameters, forward.blocks());
    List<Tensor> gradients = new ArrayList<>();
    for (int i = 0; i < parameters.size(); i++) {
      Tensor parameter = parameters.get(i);
      Optional<Tensor> gradient = both.gradients().get(i);
      gradients.add(gradient.orElseGet(() -> Tensor.fill(0, type, parameter.shape())));
    }
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put(ModelGraphs.LOSS, both.loss());
    List<Assignment> assignments = new ArrayList<>();
    switch (role) {
      case WHOLE -> update(parameters, gradients, outputs, assignments);
      case ADDS -> {
        for (int i = 0; i < parameters.size(); i++) {
          Tensor sum = sumVariable(parameters.get(i));
          assignments.add(new Assignment(sum, sum.plus(gradients.get(i))));
        }
      }
      case ENDS -> {
        List<Tensor> totals = new ArrayList<>();
        for (int i = 0; i < parameters.size(); i++) {
          Tensor sum = sumVariable(parameters.get(i));
          totals.add(sum.plus(gradients.get(i)));
          assignments.add(new Assignment(sum, Tensor.fill(0, type, sum.shape())));
        }
        update(parameters, totals, outputs, assignments);
      }
    }
    return Passes.standard().apply(Graph.of("training step", outputs, assignments));
  }

  private Tensor sumVariable(Tensor parameter) {
    return Tensor.variable(sum(name(parameter)), type, parameter.shape());
  }

  private static String name(Tensor parameter) {
    return parameter.op().name();
  }

  private void update(List<Tensor> parameters, List<Tensor> gradients, Map<String, Tensor> outputs,
      List<Assignment> assignments) {
    List<Tensor> squares = gradients.stream().map(g -> g.square().sum().reshape(1)).toList();
    Tensor all = Tensor.concat(0, squares);
    Tensor norm = all.sum().reshape(Shape.of()).sqrt();
    outputs.put(SQUARES, all);
    outputs.put(NORM, norm);
    Tensor one = Tensor.scalar(1, type);
    // The small number is PyTorch's clip_grad_norm_'s.
    Tensor scale = options.clip() == 0
        ? one
        : Tensor.scalar(options.clip(), type).dividedBy(norm.plus(1e-6)).minimum(one);
    AdamW optimizer = new AdamW(options.beta1(), options.beta2(), options.epsilon());
    for (int i = 0; i < parameters.size(); i++) {
      Tensor parameter = parameters.get(i);
      Tensor m = Tensor.variable(moment1(name(parameter)), type, parameter.shape());
      Tensor v = Tensor.variable(moment2(name(parameter)), type, parameter.shape());
      Tensor updated = Tensor.of(optimizer, parameter, gradients.get(i), m, v, scalar(RATE),
          scalar(CORRECTION1), scalar(CORRECTION2), scale, scalar(DECAY));
      assignments.add(new Assignment(parameter, updated));
      assignments.add(new Assignment(m, updated.pick(1)));
      assignments.add(new Assignment(v, updated.pick(2)));
    }
  }

  private Tensor scalar(String name) {
    return Tensor.input(name, type);
  }

  DType type() {
    return type;
  }
}
