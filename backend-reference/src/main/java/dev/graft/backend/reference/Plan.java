package dev.graft.backend.reference;

import dev.graft.compiler.memory.Expansion;
import dev.graft.compiler.memory.Liveness;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Says what a program computes, where it keeps each value, and when it lets go of it.
 *
 * <p>
 * Values live in numbered slots. Operations that change neither elements nor their order (reshape, detach,
 * after) share their operand's slot, and what no result needs is left out.
 *
 * @param slots number of slots
 * @param inputs slots of the fed values, by name
 * @param variables slots of the variables that are read, by name
 * @param constants values of slots that never change
 * @param steps what is computed, in order
 * @param outputs the results by name
 * @param assignments slots of the values that variables take, by name
 * @param peakBytes most bytes that computed values take at one time
 */
record Plan(int slots, Map<String, Integer> inputs, Map<String, Integer> variables,
    Map<Integer, Values> constants, List<Step> steps, Map<String, Output> outputs,
    Map<String, Integer> assignments, long peakBytes) {

  /**
   * Computes one node.
   *
   * @param node what is computed
   * @param op the node's operation
   * @param operands slots of the operands
   * @param result slot of the result
   * @param last slots of computed values that no later step needs
   */
  record Step(Tensor node, Primitive op, List<Integer> operands, int result, List<Integer> last) {}

  /**
   * Says where a result is found.
   *
   * @param slot its slot
   * @param shape its shape, which another value of the slot may not have
   */
  record Output(int slot, Shape shape) {}

  static Plan of(Graph graph) {
    Graph primitive = Expansion.of(graph, _ -> false);
    Maker maker = new Maker(primitive);
    primitive.schedule().forEach(maker::add);
    Map<String, Output> outputs = new LinkedHashMap<>();
    primitive.outputs()
        .forEach((name, node) -> outputs.put(name, new Output(maker.slot(node), node.shape())));
    Map<String, Integer> assignments = new LinkedHashMap<>();
    primitive.assignments().forEach(a -> assignments.put(a.name(), maker.slot(a.value())));
    return maker.plan(outputs, assignments);
  }

  private static final class Maker {
    private final Liveness liveness;
    private final Map<Liveness.Storage, Integer> slots = new HashMap<>();
    private final Map<String, Integer> inputs = new LinkedHashMap<>();
    private final Map<String, Integer> variables = new LinkedHashMap<>();
    private final Map<Integer, Values> constants = new LinkedHashMap<>();
    private final List<Step> steps = new ArrayList<>();
    private long held;
    private long peak;

    private Maker(Graph graph) {
      liveness = new Liveness(graph,
          signature -> signature.shape().size() * Values.elementBytes(signature.dtype()));
    }

    int slot(Tensor node) {
      return slot(liveness.storage(node));
    }

    private int slot(Liveness.Storage storage) {
      return slots.computeIfAbsent(storage, _ -> slots.size());
    }

    void add(Tensor node) {
      if (!(node.op() instanceof Primitive op)) {
        throw new IllegalStateException(node.op().name() + " is not a primitive");
      }
      List<Integer> operands = node.inputs().stream().map(this::slot).toList();
      liveness.read(node);
      liveness.place(node);
      switch (op) {
        case Primitive.Input input -> inputs.put(input.name(), slot(node));
        case Primitive.Variable variable -> variables.put(variable.name(), slot(node));
        case Primitive.Constant constant -> constants.put(slot(node), Values.of(constant.value()));
        case Primitive.Reshape _,Primitive.Detach _,Primitive.After _ -> {
          if (!steps.isEmpty()) {
            release(node, steps.getLast().last());
          }
        }
        case Primitive.Fill _,Primitive.Iota _,Primitive.Unary _,Primitive.Binary _,Primitive.Compare _,Primitive.Select _,Primitive.Cast _,Primitive.Reduce _,Primitive.MatMul _,Primitive.Permute _,Primitive.Broadcast _,Primitive.Slice _,Primitive.Pad _,Primitive.Concat _,Primitive.Gather _,Primitive.ScatterAdd _,Primitive.Put _ ->
          compute(node, op, operands);
        case Primitive.Pick _ -> throw new IllegalStateException("A composite's result was not expanded");
      }
    }

    private void compute(Tensor node, Primitive op, List<Integer> operands) {
      held += liveness.storage(node).bytes();
      peak = Math.max(peak, held);
      steps.add(new Step(node, op, operands, slot(node), new ArrayList<>()));
      release(node, steps.getLast().last());
    }

    private void release(Tensor node, List<Integer> last) {
      for (Liveness.Storage storage : liveness.released(node)) {
        held -= storage.bytes();
        last.add(slot(storage));
      }
    }

    Plan plan(Map<String, Output> outputs, Map<String, Integer> assignments) {
      return new Plan(slots.size(), inputs, variables, constants, steps, outputs, assignments, peak);
    }
  }
}
