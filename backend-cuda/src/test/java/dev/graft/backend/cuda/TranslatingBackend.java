package dev.graft.backend.cuda;

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
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;

/** Translates graphs as the CUDA backend does, hands the plans over, and runs nothing. */
final class TranslatingBackend implements Backend {
  static final GpuModel HOPPER = new GpuModel(132, 90);

  private final Consumer<Plan> plans;

  TranslatingBackend(Consumer<Plan> plans) {
    this.plans = plans;
  }

  @Override
  public String id() {
    return "translating";
  }

  @Override
  public String description() {
    return "Translates alone";
  }

  @Override
  public Availability availability(SessionOptions options) {
    return new Availability.Available("nothing");
  }

  @Override
  public MemoryNeed need(Graph graph, SessionOptions options) {
    return new MemoryNeed(0, 0, 0, OptionalLong.empty());
  }

  @Override
  public Capabilities capabilities() {
    return new CudaBackend().capabilities();
  }

  @Override
  public Session open(SessionOptions options) {
    return new Session() {
      @Override
      public void upload(String variable, HostTensor value) {
      }

      @Override
      public void allocate(String variable, DType dtype, Shape shape) {
      }

      @Override
      public HostTensor download(String variable) {
        throw new UnsupportedOperationException("nothing is run");
      }

      @Override
      public void release(String variable) {
      }

      @Override
      public Set<String> variables() {
        return Set.of();
      }

      @Override
      public Program compile(Graph graph) {
        plans.accept(Lowering.of(graph, HOPPER, FusedKernels.all(_ -> true)));
        throw new UnsupportedOperationException("nothing is run");
      }

      @Override
      public void close() {
      }
    };
  }
}
