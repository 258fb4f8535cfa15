package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.PluginCatalog;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Backend;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ProcessEndTests {
  private static final Graph GRAPH = Graph.of("double", Map.of("y", Tensor.input("x", DType.F32, 1).times(2)),
      List.of());
  /** Long enough to see that a thread goes on, if it does. */
  private static final long MILLIS = 100;

  private final ProcessEnd end = new ProcessEnd();
  private final Backend reference = PluginCatalog.discover(ProcessEndTests.class.getClassLoader())
      .withBackends(end::guarded).backend("reference");

  private static void compute(Program program) {
    HostTensor x = HostTensor.zeros(DType.F32, Shape.of(1));
    x.set(0, 21);
    assertThat(program.run(Map.of("x", x)).get("y")).satisfies(y -> assertThat(y.at(0)).isEqualTo(42));
  }

  private static void staysAlive(Thread thread) throws InterruptedException {
    thread.join(MILLIS);
    assertThat(thread.isAlive()).isTrue();
  }

  @Test
  void aGuardedBackendComputesAndKeepsItsName() {
    try (Session session = reference.open(new SessionOptions(1));
        Program program = session.compile(GRAPH)) {
      compute(program);
      assertThat(reference.id()).isEqualTo("reference");
    }
  }

  @Test
  void theProcessWaitsForACallThatRuns() throws InterruptedException {
    ReentrantLock work = new ReentrantLock();
    Backend slow = end.guarded(new GuardedBackend(reference, work));
    work.lock();
    Thread user = Thread.ofPlatform().daemon().start(() -> slow.open(new SessionOptions(1)));
    while (!work.hasQueuedThread(user)) {
      Thread.onSpinWait();
    }
    Thread hook = Thread.ofPlatform().start(end::await);
    staysAlive(hook);
    work.unlock();
    user.join();
    hook.join();
  }

  @Test
  void noCallBeginsOnceTheProcessEnds() throws InterruptedException {
    Session session = reference.open(new SessionOptions(1));
    Program program = session.compile(GRAPH);
    Thread hook = Thread.ofPlatform().start(end::await);
    hook.join();
    staysAlive(Thread.ofPlatform().daemon().start(() -> compute(program)));
    staysAlive(Thread.ofPlatform().daemon().start(session::close));
  }

  @Test
  void aLoopThatSavesIsAskedToStopAndMayStillCompute() throws InterruptedException {
    Session session = reference.open(new SessionOptions(1));
    Program program = session.compile(GRAPH);
    StopSignal signal = end.stopSignal();
    assertThat(signal.requested()).isFalse();
    Thread hook = Thread.ofPlatform().start(end::await);
    while (!signal.requested()) {
      Thread.onSpinWait();
    }
    compute(program);
    staysAlive(hook);
    signal.close();
    hook.join();
  }

  @Test
  void aLoopThatIsStillReadingItsDataIsNotWaitedFor() throws InterruptedException {
    try (StopSignal signal = end.stopSignal()) {
      Thread.ofPlatform().start(end::await).join();
      assertThat(signal.requested()).isTrue();
    }
  }

  @Test
  void aLoopThatHasEndedIsNotWaitedFor() throws InterruptedException {
    end.stopSignal().close();
    Thread.ofPlatform().start(end::await).join();
  }
}
