package dev.graft.backend.reference;

import dev.graft.error.GraftException;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import dev.graft.spi.Program;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Runs a plan step by step. */
final class ReferenceProgram implements Program {
  private final ReferenceSession session;
  private final Kernels kernels;
  private final Graph graph;
  private final Plan plan;
  private final Map<String, Signature> inputs;
  private final Map<String, Signature> variables;
  private boolean closed;

  ReferenceProgram(ReferenceSession session, Kernels kernels, Graph graph) {
    this.session = session;
    this.kernels = kernels;
    this.graph = graph;
    this.plan = Plan.of(graph);
    this.inputs = graph.inputs();
    this.variables = graph.variables();
  }

  String name() {
    return graph.name();
  }

  /** Returns the variables that are read or assigned. */
  Map<String, Signature> variables() {
    return variables;
  }

  @Override
  public Map<String, HostTensor> run(Map<String, HostTensor> feeds) {
    checkOpen();
    @Nullable
    Values[] slots = bind(feeds);
    plan.steps().forEach(step -> compute(step, slots));

    Map<String, HostTensor> outputs = new LinkedHashMap<>();
    plan.outputs().forEach(
        (name, output) -> outputs.put(name, held(slots, output.slot()).toHost(output.shape())));
    Map<String, Values> assigned = new LinkedHashMap<>();
    plan.assignments().forEach((name, slot) -> assigned.put(name, held(slots, slot)));
    // Variables change only here, where nothing can fail any more.
    session.assign(assigned);
    return outputs;
  }

  /** Puts feeds, variables and constants into their slots, once all have been checked. */
  private @Nullable Values[] bind(Map<String, HostTensor> feeds) {
    inputs.forEach((name, expected) -> {
      HostTensor feed = feed(feeds, name);
      check("input", name, expected, new Signature(feed.dtype(), feed.shape()));
    });
    variables.forEach((name, expected) -> check("variable", name, expected, variable(name).signature()));

    @Nullable
    Values[] slots = new @Nullable Values[plan.slots()];
    plan.inputs().forEach((name, slot) -> slots[slot] = Values.of(feed(feeds, name)));
    plan.variables().forEach((name, slot) -> slots[slot] = variable(name).values());
    plan.constants().forEach((slot, values) -> slots[slot] = values);
    return slots;
  }

  private HostTensor feed(Map<String, HostTensor> feeds, String name) {
    HostTensor feed = feeds.get(name);
    if (feed == null) {
      throw new GraftException(
          "Graph " + graph.name() + " needs input " + name + " " + inputs.get(name) + ", which was not fed");
    }
    return feed;
  }

  private ReferenceSession.Variable variable(String name) {
    return session.variable(name).orElseThrow(() -> new GraftException("Graph " + graph.name()
        + " needs variable " + name + " " + variables.get(name)
        + ", which does not exist: upload or allocate it first"));
  }

  private void check(String kind, String name, Signature expected, Signature found) {
    if (!expected.equals(found)) {
      throw new GraftException("Graph " + graph.name() + " needs " + kind + " " + name + " as " + expected
          + ", but got " + found);
    }
  }

  private void compute(Plan.Step step, @Nullable Values[] slots) {
    List<Values> operands = step.operands().stream().map(slot -> held(slots, slot)).toList();
    try {
      slots[step.result()] = kernels.compute(step.node(), step.op(), operands);
    } catch (GraftException e) {
      String where = step.node().site().isEmpty() ? "" : " at " + step.node().site();
      throw new GraftException(
          "Graph " + graph.name() + ", " + step.op().name() + where + ": " + e.getMessage(), e);
    }
    step.last().forEach(slot -> slots[slot] = null);
  }

  private static Values held(@Nullable Values[] slots, int slot) {
    Values values = slots[slot];
    if (values == null) {
      throw new IllegalStateException("Slot " + slot + " is empty");
    }
    return values;
  }

  @Override
  public long plannedBytes() {
    checkOpen();
    return plan.peakBytes();
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("Program " + graph.name() + " is closed");
    }
  }

  @Override
  public void close() {
    closed = true;
    session.forget(this);
  }
}
