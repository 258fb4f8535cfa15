package dev.graft.testkit.example;

import dev.graft.compiler.memory.Expansion;
import dev.graft.error.GraftException;
import dev.graft.graph.Assignment;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities;
import dev.graft.spi.GraphBinding;
import dev.graft.spi.HostMemory;
import dev.graft.spi.MemoryNeed;
import dev.graft.spi.Program;
import dev.graft.spi.Refusal;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.DoubleBinaryOperator;
import java.util.function.Predicate;

/** Runs formulas of elementwise arithmetic in F64, and refuses all else: where a backend of one's own can begin. */
public final class SkeletonBackend implements Backend {
  /** No composite is taken whole yet. */
  private static final Predicate<Tensor> KNOWN = _ -> false;

  @Override
  public String id() {
    return "skeleton";
  }

  @Override
  public String description() {
    return "elementwise arithmetic in F64";
  }

  @Override
  public Availability availability(SessionOptions options) {
    return options.unsupported(Set.of(), Set.of()).<Availability>map(Availability.Unavailable::new)
        .orElseGet(() -> new Availability.Available("CPU, 1 thread"));
  }

  @Override
  public int priority() {
    return -2;
  }

  @Override
  public Capabilities capabilities() {
    return new Capabilities(Set.of(DType.F64),
        Set.of(Capabilities.Feature.TRAINING, Capabilities.Feature.DETERMINISTIC));
  }

  @Override
  public List<Refusal> refusals(Graph graph) {
    Set<Refusal> refusals = new LinkedHashSet<>();
    for (Tensor node : Expansion.of(graph, KNOWN).schedule()) {
      if (node.dtype() != DType.F64) {
        refusals.add(new Refusal(node.op().name(), node.dtype(), "it computes in F64 alone"));
      } else if (!isSupported(node)) {
        refusals.add(new Refusal(node.op().name(), node.dtype(), "it is not written yet"));
      }
    }
    return List.copyOf(refusals);
  }

  private static boolean isSupported(Tensor node) {
    return switch (node.op()) {
      case Primitive.Input _,Primitive.Variable _,Primitive.Fill _,Primitive.Reshape _ -> true;
      case Primitive.Binary binary -> function(binary).isPresent();
      default -> false;
    };
  }

  private static Optional<DoubleBinaryOperator> function(Primitive.Binary binary) {
    return switch (binary.function()) {
      case ADD -> Optional.of((a, b) -> a + b);
      case SUBTRACT -> Optional.of((a, b) -> a - b);
      case MULTIPLY -> Optional.of((a, b) -> a * b);
      case DIVIDE -> Optional.of((a, b) -> a / b);
      default -> Optional.empty();
    };
  }

  @Override
  public MemoryNeed need(Graph graph, SessionOptions options) {
    long variables = graph.variables().values().stream().mapToLong(Signature::bytes).sum();
    long values = Expansion.of(graph, KNOWN).schedule().stream().mapToLong(node -> node.signature().bytes())
        .sum();
    OptionalLong available = options.memoryBytes().isPresent()
        ? options.memoryBytes()
        : HostMemory.ofThisProcess().available();
    return new MemoryNeed(variables, values, 0, available);
  }

  @Override
  public Session open(SessionOptions options) {
    if (availability(options) instanceof Availability.Unavailable unavailable) {
      throw new GraftException("Backend skeleton is not available: " + unavailable.reason());
    }
    return new ArraySession();
  }

  /** Holds variables as arrays. */
  private final class ArraySession implements Session {
    private record Value(Signature signature, double[] elements) {}

    private final Map<String, Value> variables = new HashMap<>();
    private final List<Formula> programs = new ArrayList<>();
    private boolean closed;

    private void checkOpen() {
      if (closed) {
        throw new IllegalStateException("The session is closed");
      }
    }

    private void put(String variable, Value value) {
      checkOpen();
      programs.forEach(program -> program.binding.checkChange(variable, value.signature()));
      variables.put(variable, value);
    }

    @Override
    public void upload(String variable, HostTensor value) {
      put(variable, new Value(value.signature(), value.toDoubles()));
    }

    @Override
    public void allocate(String variable, DType dtype, Shape shape) {
      put(variable, new Value(new Signature(dtype, shape), new double[Math.toIntExact(shape.size())]));
    }

    @Override
    public HostTensor download(String variable) {
      checkOpen();
      Value value = Optional.ofNullable(variables.get(variable))
          .orElseThrow(() -> new GraftException("There is no variable " + variable));
      return HostTensor.ofDoubles(value.signature().shape(), value.elements());
    }

    @Override
    public void release(String variable) {
      checkOpen();
      variables.remove(variable);
    }

    @Override
    public Set<String> variables() {
      checkOpen();
      return Set.copyOf(variables.keySet());
    }

    @Override
    public Program compile(Graph graph) {
      checkOpen();
      List<Refusal> refusals = refusals(graph);
      if (!refusals.isEmpty()) {
        throw new GraftException("Backend skeleton does not run " + refusals.getFirst());
      }
      Formula formula = new Formula(Expansion.of(graph, KNOWN), GraphBinding.of(graph));
      programs.add(formula);
      return formula;
    }

    @Override
    public void close() {
      closed = true;
      variables.clear();
    }

    /** Computes a graph node by node, and assigns at the end. */
    private final class Formula implements Program {
      private final Graph graph;
      private final GraphBinding binding;
      private boolean ended;

      Formula(Graph graph, GraphBinding binding) {
        this.graph = graph;
        this.binding = binding;
      }

      @Override
      public Map<String, HostTensor> run(Map<String, HostTensor> feeds) {
        checkOpen();
        if (ended) {
          throw new IllegalStateException("The program is closed");
        }
        // Before anything is computed, so that a failed run changes nothing.
        binding.checkFeeds(feeds);
        binding.variables().forEach((name, signature) -> binding.checkVariable(name, signature,
            Optional.ofNullable(variables.get(name)).map(Value::signature)));
        Map<Tensor, double[]> values = new HashMap<>();
        graph.schedule().forEach(node -> values.put(node, compute(node, values, feeds)));
        Map<String, HostTensor> outputs = new LinkedHashMap<>();
        graph.outputs().forEach((name, node) -> outputs.put(name,
            HostTensor.ofDoubles(node.shape(), Objects.requireNonNull(values.get(node)))));
        for (Assignment each : graph.assignments()) {
          variables.put(each.name(), new Value(each.value().signature(),
              Objects.requireNonNull(values.get(each.value())).clone()));
        }
        return outputs;
      }

      private double[] compute(Tensor node, Map<Tensor, double[]> values, Map<String, HostTensor> feeds) {
        List<double[]> x = node.inputs().stream().map(input -> Objects.requireNonNull(values.get(input)))
            .toList();
        return switch (node.op()) {
          case Primitive.Input input -> binding.feed(feeds, input.name()).toDoubles();
          case Primitive.Variable variable ->
            Objects.requireNonNull(variables.get(variable.name())).elements();
          case Primitive.Fill fill -> filled(fill.value(), node.shape());
          case Primitive.Reshape _ -> x.getFirst();
          case Primitive.Binary binary -> combined(function(binary).orElseThrow(), node, x);
          default -> throw new IllegalStateException(node.op().name() + " was to be refused");
        };
      }

      @Override
      public long plannedBytes() {
        return need(graph, SessionOptions.DEFAULT).work();
      }

      @Override
      public void close() {
        ended = true;
        programs.remove(this);
      }
    }
  }

  private static double[] filled(double value, Shape shape) {
    double[] out = new double[Math.toIntExact(shape.size())];
    Arrays.fill(out, value);
    return out;
  }

  private static double[] combined(DoubleBinaryOperator function, Tensor node, List<double[]> x) {
    Shape shape = node.shape();
    double[] out = new double[Math.toIntExact(shape.size())];
    for (int i = 0; i < out.length; i++) {
      out[i] = function.applyAsDouble(x.get(0)[at(i, shape, node.input(0).shape())],
          x.get(1)[at(i, shape, node.input(1).shape())]);
    }
    return out;
  }

  /** Returns where an operand that is broadcast to a shape has the element of an index. */
  private static int at(int index, Shape shape, Shape operand) {
    int place = 0;
    int stride = 1;
    int rest = index;
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      int coordinate = (int) (rest % shape.dim(axis));
      rest /= (int) shape.dim(axis);
      int own = axis - (shape.rank() - operand.rank());
      if (own >= 0) {
        place += operand.dim(own) == 1 ? 0 : coordinate * stride;
        stride *= (int) operand.dim(own);
      }
    }
    return place;
  }
}
