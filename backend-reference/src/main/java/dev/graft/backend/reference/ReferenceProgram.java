package dev.graft.backend.reference;

import dev.graft.error.GraftException;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.spi.GraphBinding;
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
  private final GraphBinding binding;
  private boolean closed;

  ReferenceProgram(ReferenceSession session, Kernels kernels, Graph graph) {
    this.session = session;
    this.kernels = kernels;
    this.graph = graph;
    this.plan = Plan.of(graph);
    this.binding = GraphBinding.of(graph);
  }

  GraphBinding binding() {
    return binding;
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
    binding.checkFeeds(feeds);
    binding.variables().forEach((name, expected) -> binding.checkVariable(name, expected,
        session.variable(name).map(ReferenceSession.Variable::signature)));

    @Nullable
    Values[] slots = new @Nullable Values[plan.slots()];
    plan.inputs().forEach((name, slot) -> slots[slot] = Values.of(binding.feed(feeds, name)));
    plan.variables().forEach((name, slot) -> slots[slot] = session.variable(name).orElseThrow().values());
    plan.constants().forEach((slot, values) -> slots[slot] = values);
    return slots;
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
