package dev.graft.testkit;

import dev.graft.backend.reference.ReferenceBackend;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities;
import dev.graft.spi.MemoryNeed;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Runs graphs on the reference backend, with one fault. */
class FaultyBackend implements Backend {
  private final Backend right = new ReferenceBackend();

  @Override
  public String id() {
    return "faulty";
  }

  @Override
  public String description() {
    return "The reference backend with a fault";
  }

  @Override
  public Availability availability(SessionOptions options) {
    return right.availability(options);
  }

  @Override
  public Capabilities capabilities() {
    return right.capabilities();
  }

  @Override
  public MemoryNeed need(Graph graph, SessionOptions options) {
    return right.need(graph, options);
  }

  @Override
  public Session open(SessionOptions options) {
    return new FaultySession(right.open(options));
  }

  /** Passes everything on; a fault overrides one of its methods. */
  static class FaultySession implements Session {
    final Session right;

    FaultySession(Session right) {
      this.right = right;
    }

    @Override
    public void upload(String variable, HostTensor value) {
      right.upload(variable, value);
    }

    @Override
    public void allocate(String variable, DType dtype, Shape shape) {
      right.allocate(variable, dtype, shape);
    }

    @Override
    public HostTensor download(String variable) {
      return right.download(variable);
    }

    @Override
    public void release(String variable) {
      right.release(variable);
    }

    @Override
    public Set<String> variables() {
      return right.variables();
    }

    @Override
    public Program compile(Graph graph) {
      Program program = right.compile(graph);
      return new Program() {
        @Override
        public Map<String, HostTensor> run(Map<String, HostTensor> feeds) {
          return FaultySession.this.run(program, graph, feeds);
        }

        @Override
        public long plannedBytes() {
          return program.plannedBytes();
        }

        @Override
        public void close() {
          program.close();
        }
      };
    }

    Map<String, HostTensor> run(Program program, Graph graph, Map<String, HostTensor> feeds) {
      return program.run(feeds);
    }

    /** Adds to every floating-point result. */
    static Map<String, HostTensor> shifted(Map<String, HostTensor> results, double by) {
      Map<String, HostTensor> shifted = new LinkedHashMap<>();
      results.forEach((name, value) -> {
        HostTensor copy = Values.copy(value);
        for (long i = 0; value.dtype().isFloating() && i < value.shape().size(); i++) {
          copy.set(i, value.at(i) * (1 + by));
        }
        shifted.put(name, copy);
      });
      return shifted;
    }

    @Override
    public void close() {
      right.close();
    }
  }
}
