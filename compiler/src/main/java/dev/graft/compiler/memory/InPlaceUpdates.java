package dev.graft.compiler.memory;

import dev.graft.graph.Assignment;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.AdamW;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Finds the optimiser's steps whose results are the new values of the variables that they read: run after all else
 * has read the old values, they can write to the variables themselves, and need no memory for results.
 *
 * <p>
 * That is so if parameter and moments are variables, each becomes the result that belongs to it, and nothing else
 * reads the results. The step may be guarded: a variable may also become
 * {@code select(condition, result, variable)}, for one condition of a single element that all three share.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class InPlaceUpdates {
  /** The operands that the results replace: parameter and moments. */
  private static final List<Integer> UPDATED = List.of(0, 2, 3);

  private final Map<Tensor, Optional<Tensor>> guards = new HashMap<>();
  private final Map<Tensor, Tensor> steps = new HashMap<>();
  private final Set<Tensor> last = new HashSet<>();

  private InPlaceUpdates() {
  }

  /** Finds the steps of a graph. */
  public static InPlaceUpdates of(Graph graph) {
    InPlaceUpdates updates = new InPlaceUpdates();
    Map<String, Tensor> values = new HashMap<>();
    graph.assignments().forEach(each -> values.put(each.name(), each.value()));
    List<Tensor> candidates = graph.schedule().stream().filter(node -> node.op() instanceof AdamW).toList();
    if (candidates.isEmpty() || values.isEmpty()) {
      return updates;
    }
    Map<Tensor, List<Tensor>> readers = new HashMap<>();
    graph.schedule().forEach(node -> node.inputs()
        .forEach(operand -> readers.computeIfAbsent(operand, _ -> new ArrayList<>()).add(node)));
    Set<Tensor> outputs = new HashSet<>(graph.outputs().values());
    candidates.forEach(step -> updates.add(step, values, readers, outputs, graph.assignments()));
    updates.findLast(graph);
    return updates;
  }

  private void add(Tensor step, Map<String, Tensor> values, Map<Tensor, List<Tensor>> readers,
      Set<Tensor> outputs, List<Assignment> assignments) {
    Set<Tensor> belonging = new HashSet<>(Set.of(step));
    readers.getOrDefault(step, List.of()).stream().filter(node -> node.op() instanceof Primitive.Pick)
        .forEach(belonging::add);
    Set<Optional<Tensor>> conditions = new HashSet<>();
    Set<Tensor> become = new HashSet<>();
    for (int result = 0; result < UPDATED.size(); result++) {
      Tensor operand = step.input(UPDATED.get(result));
      Tensor value = operand.op() instanceof Primitive.Variable variable ? values.get(variable.name()) : null;
      if (value == null) {
        return;
      }
      become.add(value);
      Optional<Tensor> guard = guard(value, operand);
      conditions.add(guard);
      if (guard.isPresent()) {
        belonging.add(value);
      }
      if (!isResult(guard.isPresent() ? value.input(1) : value, step, result)) {
        return;
      }
    }
    boolean assignedElsewhere = assignments.stream().map(Assignment::value)
        .anyMatch(value -> belonging.contains(value) && !become.contains(value));
    boolean readElsewhere = belonging.stream().anyMatch(node -> outputs.contains(node)
        || readers.getOrDefault(node, List.of()).stream().anyMatch(reader -> !belonging.contains(reader)));
    long timesAssigned = assignments.stream().filter(each -> become.contains(each.value())).count();
    if (conditions.size() == 1 && !assignedElsewhere && !readElsewhere && timesAssigned == UPDATED.size()) {
      guards.put(step, conditions.iterator().next());
      belonging.forEach(node -> steps.put(node, step));
    }
  }

  /** Returns the condition under which a variable becomes a new value rather than staying what it is. */
  private static Optional<Tensor> guard(Tensor value, Tensor variable) {
    return value.op() instanceof Primitive.Select && value.input(0).shape().size() == 1
        && value.input(2).op().equals(variable.op()) ? Optional.of(value.input(0)) : Optional.empty();
  }

  private static boolean isResult(Tensor value, Tensor step, int result) {
    return result == 0
        ? value == step
        : value.op() instanceof Primitive.Pick pick && pick.index() == result && value.input(0) == step;
  }

  /** Finds the steps after which the schedule has no other read of their variables. */
  private void findLast(Graph graph) {
    Set<String> read = new HashSet<>();
    for (Tensor node : graph.schedule().reversed()) {
      if (guards.containsKey(node)
          && UPDATED.stream().noneMatch(operand -> read.contains(node.input(operand).op().name()))) {
        last.add(node);
      }
      if (!steps.containsKey(node)) {
        node.inputs().stream().filter(operand -> operand.op() instanceof Primitive.Variable)
            .forEach(operand -> read.add(operand.op().name()));
      }
    }
  }

  /** Tells whether a node is a step that can write to its variables. */
  public boolean isUpdate(Tensor node) {
    return guards.containsKey(node);
  }

  /**
   * Tells whether a step can write to its variables where it stands in the schedule, since all others that read
   * their old values stand before it.
   */
  public boolean isLast(Tensor step) {
    return last.contains(step);
  }

  /** Returns the condition under which a step takes place; empty if it always does. */
  public Optional<Tensor> guard(Tensor step) {
    return guards.getOrDefault(step, Optional.empty());
  }

  /** Returns the step of which a node is the step itself, a result or a guarded result; empty for others. */
  public Optional<Tensor> stepOf(Tensor node) {
    return Optional.ofNullable(steps.get(node));
  }
}
