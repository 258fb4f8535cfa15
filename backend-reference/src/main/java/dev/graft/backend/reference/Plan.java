package dev.graft.backend.reference;

import dev.graft.graph.Expansion;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
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
    Maker maker = new Maker();
    primitive.schedule().forEach(maker::add);
    Map<String, Output> outputs = new LinkedHashMap<>();
    primitive.outputs()
        .forEach((name, node) -> outputs.put(name, new Output(maker.slot(node), node.shape())));
    Map<String, Integer> assignments = new LinkedHashMap<>();
    primitive.assignments().forEach(a -> assignments.put(a.name(), maker.slot(a.value())));
    return maker.plan(outputs, assignments);
  }

  private static final class Maker {
    private final Map<Tensor, Integer> slots = new HashMap<>();
    private final Map<String, Integer> inputs = new LinkedHashMap<>();
    private final Map<String, Integer> variables = new LinkedHashMap<>();
    private final Map<Integer, HostTensor> constants = new LinkedHashMap<>();
    private final List<Step> steps = new ArrayList<>();
    private int count;

    int slot(Tensor node) {
      Integer slot = slots.get(node);
      if (slot == null) {
        throw new IllegalStateException(node + " has no slot");
      }
      return slot;
    }

    void add(Tensor node) {
      if (!(node.op() instanceof Primitive op)) {
        throw new IllegalStateException(node.op().name() + " is not a primitive");
      }
      slots.put(node, switch (op) {
        case Primitive.Input input -> inputs.computeIfAbsent(input.name(), _ -> count++);
        case Primitive.Variable variable -> variables.computeIfAbsent(variable.name(), _ -> count++);
        case Primitive.Constant constant -> {
          constants.put(count, constant.value());
          yield count++;
        }
        case Primitive.Reshape _,Primitive.Detach _,Primitive.After _ -> slot(node.input(0));
        case Primitive.Fill _,Primitive.Iota _,Primitive.Unary _,Primitive.Binary _,Primitive.Compare _,Primitive.Select _,Primitive.Cast _,Primitive.Reduce _,Primitive.MatMul _,Primitive.Permute _,Primitive.Broadcast _,Primitive.Slice _,Primitive.Pad _,Primitive.Concat _,Primitive.Gather _,Primitive.ScatterAdd _,Primitive.Put _ -> {
          steps.add(new Step(node, op, node.inputs().stream().map(this::slot).toList(), count, List.of()));
          yield count++;
        }
        case Primitive.Pick _ -> throw new IllegalStateException("A composite's result was not expanded");
      });
    }

    Plan plan(Map<String, Output> outputs, Map<String, Integer> assignments) {
      boolean[] needed = new boolean[count];
      outputs.values().forEach(output -> needed[output.slot()] = true);
      assignments.values().forEach(slot -> needed[slot] = true);
      boolean[] computed = new boolean[count];
      steps.forEach(step -> computed[step.result()] = true);

      List<Step> kept = new ArrayList<>();
      for (Step step : steps.reversed()) {
        if (needed[step.result()]) {
          List<Integer> last = step.operands().stream().distinct()
              .filter(slot -> computed[slot] && !needed[slot]).toList();
          step.operands().forEach(slot -> needed[slot] = true);
          kept.add(new Step(step.node(), step.op(), step.operands(), step.result(), last));
        }
      }
      constants.keySet().removeIf(slot -> !needed[slot]);
      Map<Integer, Values> values = new LinkedHashMap<>();
      constants.forEach((slot, tensor) -> values.put(slot, Values.of(tensor)));
      return new Plan(count, inputs, variables, values, kept.reversed(), outputs, assignments,
          peak(kept.reversed()));
    }

    private long peak(List<Step> kept) {
      long[] bytes = new long[count];
      long held = 0;
      long peak = 0;
      for (Step step : kept) {
        bytes[step.result()] = step.node().shape().size() * Values.elementBytes(step.node().dtype());
        held += bytes[step.result()];
        peak = Math.max(peak, held);
        for (int slot : step.last()) {
          held -= bytes[slot];
        }
      }
      return peak;
    }
  }
}
