package dev.graft.backend.djl;

import dev.graft.compiler.memory.Expansion;
import dev.graft.compiler.memory.InPlaceUpdates;
import dev.graft.graph.Assignment;
import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** Writes a graph as the body of a TorchScript function, one line or a few for each node. */
final class ScriptWriter {
  private final Graph graph;
  private final Lifetimes lifetimes;
  private final InPlaceUpdates updates;
  private final Processor processor;
  private final List<String> lines = new ArrayList<>();
  private final List<Tensor> nodes = new ArrayList<>();
  private final Map<Tensor, List<String>> names = new HashMap<>();
  private final Map<String, String> shared = new HashMap<>();
  private final List<String> feeds;
  private final List<String> variables;
  private final List<HostTensor> constants = new ArrayList<>();
  private final Set<String> assigned = new HashSet<>();
  private Tensor current;
  private String indentation = "";
  private int count;

  private ScriptWriter(Graph graph, InPlaceUpdates updates, Processor processor) {
    this.graph = graph;
    this.processor = processor;
    this.updates = updates;
    this.lifetimes = new Lifetimes(graph);
    this.feeds = List.copyOf(graph.inputs().keySet());
    this.variables = List.copyOf(graph.variables().keySet());
    this.current = Tensor.scalar(0, DType.F32);
  }

  /** Translates a graph. */
  static Script of(Graph graph, Processor processor) {
    InPlaceUpdates updates = InPlaceUpdates.of(graph);
    Graph expanded = Expansion.of(graph, node -> CompositeScripts.knows(node, updates));
    Graph fused = Fusion.of(expanded);
    return new ScriptWriter(fused, InPlaceUpdates.of(fused), processor).write(graph);
  }

  private Script write(Graph original) {
    for (Tensor node : graph.schedule()) {
      if (updates.stepOf(node).isEmpty()) {
        visit(node);
      }
    }
    Map<String, Signature> outputs = new LinkedHashMap<>();
    List<String> returned = new ArrayList<>();
    graph.outputs().forEach((name, node) -> {
      outputs.put(name, node.signature());
      returned.add(lastingValue(node));
    });
    assign();
    lines.add("return [" + String.join(", ", returned) + "]");
    Map<String, Signature> fed = new LinkedHashMap<>();
    feeds.forEach(name -> fed.put(name, signature(original.inputs(), name)));
    Map<String, Signature> held = new LinkedHashMap<>();
    variables.forEach(name -> held.put(name, signature(original.variables(), name)));
    SizedCode body = SizedCode.of(lines);
    return new Script(Script.module(body), body.sizes(), fed, held, constants, outputs, assigned, nodes,
        lifetimes.bytes());
  }

  private static Signature signature(Map<String, Signature> all, String name) {
    return Objects.requireNonNull(all.get(name), name);
  }

  private void visit(Tensor node) {
    current = node;
    lifetimes.read(node);
    switch (node.op()) {
      case Primitive primitive -> PrimitiveScripts.write(this, node, primitive);
      case Composite composite -> CompositeScripts.write(this, node, composite);
    }
    lifetimes.done(node);
  }

  /** Writes the new values of variables, once all else has been computed. */
  private void assign() {
    List<Assignment> plain = graph.assignments().stream()
        .filter(each -> updates.stepOf(each.value()).isEmpty() && !assigned.contains(each.name())).toList();
    List<String> values = plain.stream().map(each -> lastingValue(each.value())).toList();
    graph.schedule().stream().filter(updates::isUpdate).forEach(this::visit);
    for (int i = 0; i < plain.size(); i++) {
      String variable = plain.get(i).name();
      assigned.add(variable);
      line("torch.copy_(variables[" + variables.indexOf(variable) + "], " + values.get(i) + ")");
    }
  }

  /** Returns a value that stays when variables are written to. */
  private String lastingValue(Tensor node) {
    boolean old = lifetimes.isInVariable(node);
    return old ? line("torch.clone(" + name(node) + ")") : name(node);
  }

  /** Returns what the script is to run on. */
  Processor processor() {
    return processor;
  }

  Lifetimes lifetimes() {
    return lifetimes;
  }

  /** Returns the expression of a feed. */
  String feed(String name) {
    return "feeds[" + feeds.indexOf(name) + "]";
  }

  /** Returns the expression of a variable. */
  String variable(String name) {
    return "variables[" + variables.indexOf(name) + "]";
  }

  /** Notes that a variable is written to by what has been written so far. */
  void assigned(String variable) {
    assigned.add(variable);
  }

  /** Tells whether a node's value is what a variable becomes. */
  boolean becomes(String variable, Tensor value) {
    return graph.assignments().stream()
        .anyMatch(each -> each.name().equals(variable) && each.value() == value);
  }

  /** Returns the graph's nodes in the order in which they are written. */
  List<Tensor> schedule() {
    return graph.schedule();
  }

  /** Tells whether a composite's further result is read by anything but one kind of operation. */
  boolean isReadBesides(Class<? extends Composite> operation, Tensor composite, int result) {
    Set<Tensor> picks = new HashSet<>(graph.schedule().stream()
        .filter(node -> node.op() instanceof Primitive.Pick pick && pick.index() == result
            && node.input(0) == composite)
        .toList());
    return graph.outputs().values().stream().anyMatch(picks::contains)
        || graph.assignments().stream().anyMatch(each -> picks.contains(each.value()))
        || graph.schedule().stream().anyMatch(
            node -> !operation.isInstance(node.op()) && node.inputs().stream().anyMatch(picks::contains));
  }

  /** Returns the condition under which an optimiser's step takes place; empty if it always does. */
  Optional<String> guard(Tensor step) {
    return updates.guard(step).map(this::name);
  }

  /** Writes lines that are run only if a BOOL of one element holds; no line after them may use their results. */
  void when(String condition, Runnable body) {
    lines.add("if bool(" + condition + "):");
    nodes.add(current);
    indentation = "  ";
    body.run();
    indentation = "";
  }

  /** Adds a constant and returns its expression. */
  String constant(HostTensor value) {
    constants.add(value);
    return "constants[" + (constants.size() - 1) + "]";
  }

  /** Adds a line that computes an expression; returns the name of the result. */
  String line(String expression) {
    String name = "v" + count++;
    lines.add(indentation + name + " = " + expression);
    nodes.add(current);
    return name;
  }

  /** Adds a line whose expression has several results; returns their names. */
  List<String> line(String expression, int results) {
    List<String> fresh = new ArrayList<>();
    for (int i = 0; i < results; i++) {
      fresh.add("v" + count++);
    }
    lines.add(indentation + String.join(", ", fresh) + " = " + expression);
    nodes.add(current);
    return fresh;
  }

  /** Returns a value that several nodes may use, computed by the first that asks. */
  String shared(String key, Supplier<String> compute) {
    String known = shared.get(key);
    if (known == null) {
      known = compute.get();
      shared.put(key, known);
    }
    return known;
  }

  /** Tells whether a shared value has been computed. */
  boolean isShared(String key) {
    return shared.containsKey(key);
  }

  /** Defines a node's result, in memory of its own. */
  void define(Tensor node, String expression) {
    names.put(node, List.of(line(expression)));
    lifetimes.own(node);
  }

  /** Defines a node's results, which have been computed. */
  void defineAll(Tensor node, List<String> results) {
    names.put(node, results);
    lifetimes.own(node);
  }

  /** Defines a node's result as a view of an operand, or as the operand overwritten. */
  void defineIn(Tensor node, Tensor operand, String expression) {
    names.put(node, List.of(line(expression)));
    lifetimes.alias(node, operand);
  }

  /** Defines a node as another name of its operand. */
  void rename(Tensor node, Tensor operand) {
    names.put(node, List.of(name(operand)));
    lifetimes.alias(node, operand);
  }

  /** Defines a node as memory that is not to be written to. */
  void defineForeign(Tensor node, String expression) {
    names.put(node, List.of(line(expression)));
    lifetimes.foreign(node);
  }

  /** Defines a node as a further result of its operand. */
  void defineResult(Tensor pick, int index) {
    names.put(pick, List.of(result(pick.input(0), index)));
    lifetimes.alias(pick, pick.input(0));
  }

  /** Names a node's results, which are in variables' memory. */
  void defineForeign(Tensor node, List<String> results) {
    names.put(node, results);
    lifetimes.foreign(node);
  }

  /** Leaves a fill to those who read it: as a number in their line, or as a tensor. */
  void postponeFill(Tensor node) {
    lifetimes.foreign(node);
  }

  /** Returns a further result of a composite. */
  String result(Tensor composite, int index) {
    return Objects.requireNonNull(names.get(composite)).get(index);
  }

  /** Returns the name of a node's value. */
  String name(Tensor node) {
    List<String> known = names.get(node);
    if (known != null) {
      return known.getFirst();
    }
    if (node.op() instanceof Primitive.Fill fill) {
      return line(full(fill.value(), node.dtype(), node.shape()));
    }
    throw new IllegalStateException(node + " is used before it is computed");
  }

  /** Returns a fill's value as a literal of the operand's type; empty for anything else. */
  Optional<String> number(Tensor node) {
    return node.op() instanceof Primitive.Fill fill && node.dtype() != DType.BOOL
        && Double.isFinite(fill.value()) ? Optional.of(number(fill.value(), node.dtype())) : Optional.empty();
  }

  /** Writes a number as a literal, rounded to a type. */
  static String number(double value, DType type) {
    HostTensor rounded = HostTensor.scalar(type, value);
    return type.isFloating() ? Double.toString(rounded.item()) : Long.toString(rounded.integerAt(0));
  }

  private String full(double value, DType type, Shape shape) {
    if (!Double.isFinite(value)) {
      return "torch.expand(" + constant(HostTensor.scalar(type, value)) + ", " + dims(shape) + ")";
    }
    String literal = type == DType.BOOL ? value == 0 ? "False" : "True" : number(value, type);
    return "torch.full(" + dims(shape) + ", " + literal + ", " + options(type) + ")";
  }

  /** Returns the arguments with which a factory function makes a type. */
  static String options(DType type) {
    return "dtype=" + TorchType.code(type) + ", layout=None, device=None, pin_memory=None";
  }

  /** Writes a shape as a list. */
  static String dims(Shape shape) {
    return Arrays.toString(shape.dims());
  }
}
