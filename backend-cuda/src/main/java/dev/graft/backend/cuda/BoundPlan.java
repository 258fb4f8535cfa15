package dev.graft.backend.cuda;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToLongFunction;

/**
 * A plan with addresses in place of memory: started step by step, or, once it has run so, recorded and
 * started as one CUDA graph.
 */
final class BoundPlan implements AutoCloseable {
  private static final int MOST_RECORDINGS = 3;

  private final Device device;
  private final Driver driver;
  private final ToLongFunction<Storage> addresses;
  private final Arena arena = Arena.ofShared();
  private final List<Long> packs = new ArrayList<>();
  private final List<Runnable> launches = new ArrayList<>();
  private Optional<Long> recorded = Optional.empty();
  private boolean hasRun;
  private int recordings;

  BoundPlan(Plan plan, Device device, ToLongFunction<Storage> addresses) {
    this.device = device;
    this.driver = device.driver();
    this.addresses = addresses;
    launches.add(() -> driver.clear(device.fault(), Integer.BYTES, device.stream()));
    reserveScratch(plan);
    plan.steps().forEach(step -> launches.add(launch(step.step())));
  }

  /** Makes the memory that attention needs for itself, before any address of it is taken over. */
  private void reserveScratch(Plan plan) {
    for (Step.Located located : plan.steps()) {
      if (located.step() instanceof Step.AttentionStep step) {
        device.attention().flatMap(attention -> attention.plan(step.shape()))
            .ifPresent(found -> device.scratch(found.workspace()));
      }
    }
  }

  private Runnable launch(Step step) {
    return switch (step) {
      case Step.Kernel kernel -> kernel(kernel);
      case Step.Product product -> product(product);
      case Step.AttentionStep attention -> attention(attention);
      case Step.Clear clear -> {
        long address = addresses.applyAsLong(clear.storage()) + clear.offset();
        yield () -> driver.clear(address, clear.bytes(), device.stream());
      }
    };
  }

  private Runnable kernel(Step.Kernel kernel) {
    long function = device.function(kernel);
    long arguments = arguments(kernel.arguments()).address();
    return () -> driver.launch(function, kernel.gridX(), kernel.gridY(), 1, kernel.block(), kernel.shared(),
        device.stream(), arguments);
  }

  private MemorySegment arguments(List<Argument> arguments) {
    MemorySegment pointers = arena.allocate(ValueLayout.JAVA_LONG, arguments.size());
    for (int i = 0; i < arguments.size(); i++) {
      MemorySegment value = switch (arguments.get(i)) {
        case Argument.Address(Storage storage, long offset) ->
          arena.allocateFrom(ValueLayout.JAVA_LONG, addresses.applyAsLong(storage) + offset);
        case Argument.Words words -> arena.allocateFrom(ValueLayout.JAVA_LONG, words.words());
      };
      pointers.setAtIndex(ValueLayout.JAVA_LONG, i, value.address());
    }
    return pointers;
  }

  private Runnable product(Step.Product product) {
    Optional<CublasLt.Plan> found = device.products().plan(product.shape());
    if (found.isEmpty()) {
      return kernel(Products.plain(product));
    }
    CublasLt.Plan plan = found.get();
    boolean wide = product.shape().type() == DType.F64;
    long alpha = factor(product.alpha(), wide);
    long beta = factor(product.shape().adds() ? 1 : 0, wide);
    long a = address(product.a());
    long b = address(product.b());
    long out = address(product.out());
    long c = product.c().map(this::address).orElse(out);
    return () -> device.products().multiply(plan, alpha, a, b, beta, c, out, device.stream());
  }

  private Runnable attention(Step.AttentionStep step) {
    CudnnAttention attention = device.attention().orElseThrow();
    CudnnGraph.Plan plan = attention.plan(step.shape())
        .orElseThrow(() -> new GraftException("cuDNN has no plan for " + step.shape()));
    long pack = attention.pack(plan, step.tensors().stream().map(this::address).toList(),
        device.scratch(plan.workspace()));
    packs.add(pack);
    return () -> attention.cudnn().execute(plan.plan(), pack);
  }

  private long factor(double value, boolean wide) {
    return wide
        ? arena.allocateFrom(ValueLayout.JAVA_DOUBLE, value).address()
        : arena.allocateFrom(ValueLayout.JAVA_FLOAT, (float) value).address();
  }

  private long address(View view) {
    return addresses.applyAsLong(view.storage()) + view.layout().offset() * view.dtype().bytes();
  }

  /** Starts all steps. */
  void start() {
    if (recorded.isEmpty() && hasRun && recordings < MOST_RECORDINGS) {
      recordings++;
      recorded = record();
    }
    if (recorded.isPresent()) {
      driver.launchGraph(recorded.get(), device.stream());
    } else {
      launches.forEach(Runnable::run);
      hasRun = true;
    }
  }

  /** Starts the steps one by one and returns the time of each, in milliseconds, once all are done. */
  List<Float> timed() {
    List<Long> events = new ArrayList<>();
    for (int i = 0; i <= launches.size(); i++) {
      events.add(driver.createEvent());
    }
    driver.record(events.getFirst(), device.stream());
    for (int i = 0; i < launches.size(); i++) {
      launches.get(i).run();
      driver.record(events.get(i + 1), device.stream());
    }
    driver.synchronise(device.stream());
    List<Float> times = new ArrayList<>();
    for (int i = 1; i < launches.size(); i++) {
      times.add(driver.elapsed(events.get(i), events.get(i + 1)));
    }
    events.forEach(driver::destroyEvent);
    return times;
  }

  /**
   * Records all steps, none of which is carried out. Another session may disturb that, by memory that it frees
   * meanwhile: then nothing has happened, and steps are started one by one as before.
   */
  private Optional<Long> record() {
    driver.beginCapture(device.stream());
    try {
      launches.forEach(Runnable::run);
      return Optional.of(driver.endCapture(device.stream()));
    } catch (CudaException e) {
      driver.abandonCapture(device.stream());
      return Optional.empty();
    }
  }

  @Override
  public void close() {
    driver.synchronise(device.stream());
    recorded.ifPresent(driver::destroyGraph);
    device.attention().ifPresent(attention -> packs.forEach(attention.cudnn()::destroy));
    arena.close();
  }
}
