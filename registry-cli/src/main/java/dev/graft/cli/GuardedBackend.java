package dev.graft.cli;

import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities;
import dev.graft.spi.MemoryNeed;
import dev.graft.spi.Preferences;
import dev.graft.spi.Program;
import dev.graft.spi.Refusal;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import java.util.function.Supplier;

/**
 * Holds a lock during every call that may run native code.
 *
 * @param backend that does the work
 * @param lock which many threads can hold
 */
record GuardedBackend(Backend backend, Lock lock) implements Backend {
  @Override
  public String id() {
    return backend.id();
  }

  @Override
  public int spiMajor() {
    return backend.spiMajor();
  }

  @Override
  public String description() {
    return backend.description();
  }

  @Override
  public Availability availability(SessionOptions options) {
    return guarded(lock, () -> backend.availability(options));
  }

  @Override
  public Capabilities capabilities() {
    return backend.capabilities();
  }

  @Override
  public Preferences preferences() {
    return backend.preferences();
  }

  @Override
  public int priority() {
    return backend.priority();
  }

  @Override
  public List<Refusal> refusals(Graph graph) {
    return guarded(lock, () -> backend.refusals(graph));
  }

  @Override
  public MemoryNeed need(Graph graph, SessionOptions options) {
    return guarded(lock, () -> backend.need(graph, options));
  }

  @Override
  public Session open(SessionOptions options) {
    return new GuardedSession(guarded(lock, () -> backend.open(options)), lock);
  }

  private static <T> T guarded(Lock lock, Supplier<T> call) {
    lock.lock();
    try {
      return call.get();
    } finally {
      lock.unlock();
    }
  }

  private static void guarded(Lock lock, Runnable call) {
    guarded(lock, () -> {
      call.run();
      return true;
    });
  }

  private record GuardedSession(Session session, Lock lock) implements Session {
    @Override
    public void upload(String variable, HostTensor value) {
      guarded(lock, () -> session.upload(variable, value));
    }

    @Override
    public void upload(String variable, HostTensor value, Runnable unused) {
      guarded(lock, () -> session.upload(variable, value, unused));
    }

    @Override
    public void allocate(String variable, DType dtype, Shape shape) {
      guarded(lock, () -> session.allocate(variable, dtype, shape));
    }

    @Override
    public HostTensor download(String variable) {
      return guarded(lock, () -> session.download(variable));
    }

    @Override
    public void release(String variable) {
      guarded(lock, () -> session.release(variable));
    }

    @Override
    public Set<String> variables() {
      return session.variables();
    }

    @Override
    public Program compile(Graph graph) {
      return new GuardedProgram(guarded(lock, () -> session.compile(graph)), lock);
    }

    @Override
    public void close() {
      guarded(lock, session::close);
    }
  }

  private record GuardedProgram(Program program, Lock lock) implements Program {
    @Override
    public Map<String, HostTensor> run(Map<String, HostTensor> feeds) {
      return guarded(lock, () -> program.run(feeds));
    }

    @Override
    public long plannedBytes() {
      return program.plannedBytes();
    }

    @Override
    public void close() {
      guarded(lock, program::close);
    }
  }
}
