package dev.graft.backend.cuda;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import dev.graft.spi.GraphBinding;
import dev.graft.spi.Program;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Runs a plan. */
final class CudaProgram implements Program {
  private final CudaSession session;
  private final String name;
  private final GraphBinding binding;
  private final Plan plan;
  private final List<Long> constants = new ArrayList<>();
  private Optional<BoundPlan> bound = Optional.empty();
  private long epoch = -1;
  private int runs;
  private boolean closed;

  /** Puts the constants onto the device. */
  CudaProgram(CudaSession session, Graph graph, Plan plan) {
    this.session = session;
    this.name = graph.name();
    this.binding = GraphBinding.of(graph);
    this.plan = plan;
    Device device = session.device();
    for (HostTensor constant : plan.constants()) {
      long address = device.allocate(constant.bytes(), "a constant of graph " + name);
      constants.add(address);
      copy(constant, address);
    }
    device.driver().synchronise(device.stream());
  }

  GraphBinding binding() {
    return binding;
  }

  @Override
  public Map<String, HostTensor> run(Map<String, HostTensor> feeds) {
    checkOpen();
    binding.checkFeeds(feeds);
    binding.variables().forEach((variable, expected) -> binding.checkVariable(variable, expected,
        session.variable(variable).map(CudaSession.Variable::signature)));
    return session.onDevice(() -> runOnDevice(feeds));
  }

  private Map<String, HostTensor> runOnDevice(Map<String, HostTensor> feeds) {
    Device device = session.device();
    BoundPlan steps = bind(device);
    plan.feeds().forEach((feed, view) -> copy(binding.feed(feeds, feed), address(view.storage())));
    runs++;
    if (runs == Profile.RUN && session.profile().isPresent()) {
      Profile.write(session.profile().get(), name, plan, steps.timed());
    } else {
      steps.start();
    }
    Map<String, HostTensor> outputs = new LinkedHashMap<>();
    plan.outputs().forEach((output, view) -> {
      Signature signature = Objects.requireNonNull(plan.signatures().get(output));
      HostTensor result = HostTensor.zeros(signature.dtype(), signature.shape());
      if (result.bytes() > 0) {
        long address = address(view.storage()) + view.layout().offset() * view.dtype().bytes();
        device.driver().copyToHost(result.segment(), address, result.bytes(), device.stream());
      }
      outputs.put(output, result);
    });
    long fault = session.read(device.fault(), new Signature(DType.I32, Shape.of())).integerAt(0);
    if (fault != 0) {
      throw fault((int) fault - 1);
    }
    return outputs;
  }

  private GraftException fault(int step) {
    Tensor node = plan.steps().get(step).node();
    String where = node.site().isEmpty() ? "" : " at " + node.site();
    return new GraftException("Graph " + name + ", " + node.op().name() + where
        + ": an index does not exist on the axis that it picks from");
  }

  private void copy(HostTensor value, long address) {
    Device device = session.device();
    if (value.bytes() == 0) {
      return;
    }
    MemorySegment segment = value.segment();
    if (segment.isNative()) {
      device.driver().copyToDevice(address, segment, segment.byteSize(), device.stream());
    } else {
      try (Arena arena = Arena.ofConfined()) {
        device.driver().copyToDevice(address, arena.allocate(segment.byteSize()).copyFrom(segment),
            segment.byteSize(), device.stream());
        device.driver().synchronise(device.stream());
      }
    }
  }

  /** Takes over the addresses of memory and variables, unless they are those of the last run. */
  private BoundPlan bind(Device device) {
    device.arena(plan.workBytes());
    if (bound.isPresent() && epoch == device.epoch()) {
      return bound.get();
    }
    bound.ifPresent(BoundPlan::close);
    BoundPlan fresh = new BoundPlan(plan, device, this::address);
    bound = Optional.of(fresh);
    epoch = device.epoch();
    return fresh;
  }

  private long address(Storage storage) {
    return switch (storage) {
      case Storage.Work work -> session.device().arena(plan.workBytes()) + work.offset();
      case Storage.Held(String variable) -> session.variable(variable).orElseThrow().address();
      case Storage.Fixed(int index) -> constants.get(index);
      case Storage.Fault _ -> session.device().fault();
    };
  }

  @Override
  public long plannedBytes() {
    checkOpen();
    return plan.workBytes();
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("Program " + name + " is closed");
    }
    session.checkOpen();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      session.forget(this);
      session.tidy(() -> {
        bound.ifPresent(BoundPlan::close);
        constants.forEach(session.device().driver()::free);
      });
    }
  }
}
