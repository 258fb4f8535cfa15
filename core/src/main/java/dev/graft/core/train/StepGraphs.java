package dev.graft.core.train;

import dev.graft.compiler.autodiff.Differentiated;
import dev.graft.compiler.autodiff.Gradients;
import dev.graft.compiler.pass.Passes;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.batch.BatchLayout;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.error.GraftException;
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
import java.util.Set;

/**
 * Builds the graphs of a step. A step of one batch is one graph; a step of several adds gradients up in
 * variables, and its last batch updates. Parameters and moments keep their values if the loss of the batch that
 * updates, or the norm of the gradients, is not finite.
 */
final class StepGraphs {
  static final String NORM = "gradient_norm";
  static final String SQUARES = "gradient_squares";
  static final String RATE = "learning_rate";
  static final String CORRECTION1 = "correction1";
  static final String CORRECTION2 = "correction2";
  static final String DECAY = "decay";
  /** The variable of the losses of a step's batches so far, so that only its last batch has to be waited for. */
  static final String LOSS_SUM = "optimizer/loss";

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
  private final DType computeType;
  private final TrainingOptions options;
  private final DType type;

  StepGraphs(ModelGraphs graphs, DType computeType, TrainingOptions options) {
    this.graphs = graphs;
    this.computeType = computeType;
    this.options = options;
    this.type = computeType.accumulator();
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
    // The term that a method adds counts once a step, however many batches there are.
    ModelGraphs.LossGraph forward = (role == Role.ADDS
        ? graphs.loss(group, layout)
        : graphs.penalizedLoss(group, layout)).merged();
    List<Tensor> parameters = List.copyOf(forward.trainable().values());
    Differentiated both = Gradients.of(forward.loss(), parameters, forward.blocks());
    List<Tensor> gradients = role == Role.ADDS
        ? presentGradients(parameters, both)
        : gradients(List.copyOf(forward.trainable().keySet()), both);
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    Tensor loss = both.loss().reshape(Shape.of()).cast(type);
    Tensor losses = Tensor.variable(LOSS_SUM, type, Shape.of());
    List<Assignment> assignments = new ArrayList<>();
    switch (role) {
      case WHOLE -> {
        outputs.put(ModelGraphs.LOSS, loss);
        update(group, parameters, gradients, loss, outputs, assignments);
      }
      case ADDS -> {
        assignments.add(new Assignment(losses, losses.plus(loss)));
        for (int i = 0; i < parameters.size(); i++) {
          Tensor sum = sumVariable(parameters.get(i));
          assignments.add(new Assignment(sum, sum.plus(gradients.get(i))));
        }
      }
      case ENDS -> {
        Tensor total = losses.plus(loss);
        outputs.put(ModelGraphs.LOSS, total);
        assignments.add(new Assignment(losses, Tensor.fill(0, type, Shape.of())));
        List<Tensor> totals = new ArrayList<>();
        for (int i = 0; i < parameters.size(); i++) {
          Tensor sum = sumVariable(parameters.get(i));
          totals.add(sum.plus(gradients.get(i)));
          assignments.add(new Assignment(sum, Tensor.fill(0, type, sum.shape())));
        }
        update(group, parameters, totals, total, outputs, assignments);
      }
    }
    return Passes.standard().apply(Graph.of("training step", outputs, assignments));
  }

  /**
   * Requires that every trainable tensor can have a gradient, whatever the batch.
   *
   * @param group of one row
   * @throws GraftException if the loss does not depend on some of them, or not in a way that can be
   * differentiated; names them
   */
  void requirePaths(RowGroup group) {
    ModelGraphs.LossGraph forward = graphs.penalizedLoss(group, BatchLayout.padded(1, 2, 1, false));
    gradients(List.copyOf(forward.trainable().keySet()),
        Gradients.of(forward.loss(), List.copyOf(forward.trainable().values()), forward.blocks()));
  }

  /** Returns gradients of a loss that may lack what only the step's own term depends on. */
  private static List<Tensor> presentGradients(List<Tensor> parameters, Differentiated both) {
    List<Tensor> gradients = new ArrayList<>();
    for (int i = 0; i < parameters.size(); i++) {
      Tensor parameter = parameters.get(i);
      gradients.add(both.gradients().get(i)
          .orElseGet(() -> Tensor.fill(0, parameter.dtype(), parameter.shape())));
    }
    return gradients;
  }

  private static List<Tensor> gradients(List<String> keys, Differentiated both) {
    List<String> without = new ArrayList<>();
    List<Tensor> gradients = new ArrayList<>();
    for (int i = 0; i < keys.size(); i++) {
      Optional<Tensor> gradient = both.gradients().get(i);
      if (gradient.isPresent()) {
        gradients.add(gradient.get());
      } else {
        without.add(keys.get(i));
      }
    }
    if (!without.isEmpty()) {
      throw new GraftException(
          without.size() + " of " + keys.size() + " trainable tensors have no effect on the"
              + " loss that could be differentiated, so they cannot learn: " + firstOf(without)
              + ". Take these modules out of target_modules, or check that the model uses them");
    }
    return gradients;
  }

  /** Returns the frozen tensors that the method changes after each step. */
  Set<AdapterTensor> states(RowGroup group) {
    return new AfterStep(group, type, computeType).states();
  }

  /** Names the first few of some tensors. */
  static String firstOf(List<String> keys) {
    int shown = Math.min(3, keys.size());
    return String.join(", ", keys.subList(0, shown)) + (keys.size() > shown ? ", ..." : "");
  }

  private Tensor sumVariable(Tensor parameter) {
    return Tensor.variable(sum(name(parameter)), type, parameter.shape());
  }

  private static String name(Tensor parameter) {
    return parameter.op().name();
  }

  private void update(RowGroup group, List<Tensor> parameters, List<Tensor> gradients, Tensor loss,
      Map<String, Tensor> outputs,
      List<Assignment> assignments) {
    List<Tensor> squares = gradients.stream().map(g -> g.square().sum().reshape(1)).toList();
    Tensor all = Tensor.concat(0, squares);
    Tensor norm = all.sum().reshape(Shape.of()).sqrt();
    outputs.put(SQUARES, all);
    outputs.put(NORM, norm);
    Tensor one = Tensor.scalar(1, type);
    // The small number is PyTorch's clip_grad_norm_'s.
    Tensor scale = options.maxGradNorm() == 0
        ? one
        : Tensor.scalar(options.maxGradNorm(), type).dividedBy(norm.plus(1e-6)).minimum(one);
    Tensor finite = isFinite(norm).and(isFinite(loss.reshape(Shape.of())));
    Map<String, Tensor> made = new LinkedHashMap<>();
    Map<String, Tensor> gradientOf = new LinkedHashMap<>();
    AdamW optimizer = new AdamW(options.beta1(), options.beta2(), options.epsilon());
    for (int i = 0; i < parameters.size(); i++) {
      Tensor parameter = parameters.get(i);
      Tensor m = Tensor.variable(moment1(name(parameter)), type, parameter.shape());
      Tensor v = Tensor.variable(moment2(name(parameter)), type, parameter.shape());
      Tensor updated = Tensor.of(optimizer, parameter, gradients.get(i), m, v, scalar(RATE),
          scalar(CORRECTION1), scalar(CORRECTION2), scale, scalar(DECAY));
      made.put(name(parameter), updated);
      gradientOf.put(name(parameter), gradients.get(i));
      assignments.add(new Assignment(m, Tensor.select(finite, updated.pick(1), m)));
      assignments.add(new Assignment(v, Tensor.select(finite, updated.pick(2), v)));
    }
    AfterStep after = new AfterStep(group, type, computeType);
    Map<String, Tensor> last = new LinkedHashMap<>(made);
    last.putAll(after.updates(made, gradientOf));
    last.forEach((name, value) -> {
      Tensor variable = Tensor.variable(name, type, value.shape());
      assignments.add(new Assignment(variable, Tensor.select(finite, value, variable)));
    });
  }

  /** Tests a scalar; every comparison with NaN is false. */
  private static Tensor isFinite(Tensor value) {
    double largest = value.dtype() == DType.F64 ? Double.MAX_VALUE : Float.MAX_VALUE;
    return value.abs().lessOrEqual(Tensor.scalar(largest, value.dtype()));
  }

  private Tensor scalar(String name) {
    return Tensor.input(name, type);
  }

  DType type() {
    return type;
  }
}
