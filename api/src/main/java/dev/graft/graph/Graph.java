package dev.graft.graph;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Holds a whole step: what is fed, which variables are read, what comes out, and what is assigned.
 *
 * @param name shown in errors and traces
 * @param schedule every node once, operands before their users: the order in which a backend runs them
 * @param outputs results by name, in the order of their definition
 * @param assignments variables that change
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Graph(String name, List<Tensor> schedule, Map<String, Tensor> outputs,
    List<Assignment> assignments) {

  /**
   * Checks that the schedule runs operands first and covers all that is asked for, and that no name is used
   * with two signatures.
   */
  public Graph {
    schedule = List.copyOf(schedule);
    outputs = Collections.unmodifiableMap(new LinkedHashMap<>(outputs));
    assignments = List.copyOf(assignments);
    Set<Tensor> done = Collections.newSetFromMap(new IdentityHashMap<>());
    Map<String, Signature> names = new LinkedHashMap<>();
    for (Tensor node : schedule) {
      if (!done.containsAll(node.inputs())) {
        throw new GraphException("Graph " + name + " runs " + node + " before one of its operands");
      }
      done.add(node);
      String label = switch (node.op()) {
        case Primitive.Input input -> "input " + input.name();
        case Primitive.Variable variable -> "variable " + variable.name();
        case Primitive _,Composite _ -> "";
      };
      Signature other = label.isEmpty() ? null : names.put(label, node.signature());
      if (other != null && !other.equals(node.signature())) {
        throw new GraphException(
            "Graph " + name + " uses " + label + " as " + other + " and as " + node.signature());
      }
    }
    Set<String> assigned = new HashSet<>();
    for (Assignment assignment : assignments) {
      if (!assigned.add(assignment.name())) {
        throw new GraphException("Graph " + name + " assigns " + assignment.name() + " twice");
      }
    }
    if (!done.containsAll(outputs.values())
        || !assignments.stream().allMatch(a -> done.contains(a.value()))) {
      throw new GraphException("Graph " + name + " does not schedule all of its results");
    }
  }

  /** Collects the nodes that the results need, operands first, in depth-first order. */
  public static Graph of(String name, Map<String, Tensor> outputs, List<Assignment> assignments) {
    List<Tensor> roots = new ArrayList<>(outputs.values());
    assignments.forEach(a -> roots.add(a.value()));
    return new Graph(name, reach(roots), outputs, assignments);
  }

  /** Returns every node that the roots depend on, operands first, the roots included. */
  public static List<Tensor> reach(Collection<Tensor> roots) {
    List<Tensor> order = new ArrayList<>();
    Set<Tensor> entered = Collections.newSetFromMap(new IdentityHashMap<>());
    Set<Tensor> left = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Tensor> stack = new ArrayDeque<>();
    for (Tensor root : roots) {
      stack.push(root);
      while (!stack.isEmpty()) {
        Tensor node = stack.peek();
        if (entered.add(node)) {
          List<Tensor> inputs = node.inputs();
          for (int i = inputs.size() - 1; i >= 0; i--) {
            if (!entered.contains(inputs.get(i))) {
              stack.push(inputs.get(i));
            }
          }
        } else {
          stack.pop();
          if (left.add(node)) {
            order.add(node);
          }
        }
      }
    }
    return order;
  }

  /** Returns the fed inputs by name. */
  public Map<String, Signature> inputs() {
    Map<String, Signature> inputs = new LinkedHashMap<>();
    for (Tensor node : schedule) {
      if (node.op() instanceof Primitive.Input input) {
        inputs.put(input.name(), node.signature());
      }
    }
    return inputs;
  }

  /** Returns the variables that are read or assigned, by name. */
  public Map<String, Signature> variables() {
    Map<String, Signature> variables = new LinkedHashMap<>();
    for (Tensor node : schedule) {
      if (node.op() instanceof Primitive.Variable variable) {
        variables.put(variable.name(), node.signature());
      }
    }
    assignments.forEach(a -> variables.putIfAbsent(a.name(), a.variable().signature()));
    return variables;
  }
}
