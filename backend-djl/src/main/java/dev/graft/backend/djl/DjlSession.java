package dev.graft.backend.djl;

import ai.djl.pytorch.engine.PtNDArray;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Holds variables as PyTorch's tensors; those that were uploaded read the host's memory until written to. */
final class DjlSession implements Session {
  /**
   * Holds a variable.
   *
   * @param uploaded the host's memory that the tensor reads, which must not be written to; empty if it has its
   * own
   */
  record Variable(Signature signature, PtNDArray array, Optional<Uploaded> uploaded) {
    void close() {
      array.close();
      uploaded.ifPresent(memory -> memory.unused().run());
    }
  }

  /**
   * Holds memory of the host's.
   *
   * @param value keeps it alive, where the collector would free it
   * @param unused is run once it is not read any more
   */
  record Uploaded(HostTensor value, Runnable unused) {}

  private final Libtorch torch;
  private final LoadedCode loaded;
  private final Processor processor;
  private final Map<String, Variable> variables = new LinkedHashMap<>();
  private final Set<DjlProgram> programs = new LinkedHashSet<>();
  private boolean closed;

  DjlSession(Libtorch torch, Processor processor) {
    this.torch = torch;
    this.loaded = new LoadedCode(torch);
    this.processor = processor;
  }

  @Override
  public void upload(String variable, HostTensor value) {
    upload(variable, value, () -> {
    });
  }

  @Override
  public void upload(String variable, HostTensor value, Runnable unused) {
    NativeCalls.make(() -> uploadNow(variable, value, unused));
  }

  private void uploadNow(String variable, HostTensor value, Runnable unused) {
    checkOpen();
    Signature signature = new Signature(value.dtype(), value.shape());
    checkPrograms(variable, signature);
    boolean inPlace = torch.readsInPlace(value);
    replace(variable, new Variable(signature, torch.view(value),
        inPlace ? Optional.of(new Uploaded(value, unused)) : Optional.empty()));
    if (!inPlace) {
      unused.run();
    }
  }

  @Override
  public void allocate(String variable, DType dtype, Shape shape) {
    checkOpen();
    Signature signature = new Signature(dtype, shape);
    Variable existing = variables.get(variable);
    if (existing != null && !existing.signature().equals(signature)) {
      throw new GraftException("Variable " + variable + " exists as " + existing.signature()
          + " and cannot be allocated as " + signature + ": release it first");
    }
    checkPrograms(variable, signature);
    NativeCalls.make(
        () -> replace(variable, new Variable(signature, torch.zeros(dtype, shape), Optional.empty())));
  }

  private void checkPrograms(String variable, Signature signature) {
    programs.forEach(program -> program.binding().checkChange(variable, signature));
  }

  private void replace(String name, Variable variable) {
    Variable old = variables.put(name, variable);
    if (old != null) {
      old.close();
    }
  }

  @Override
  public HostTensor download(String variable) {
    checkOpen();
    Variable found = variables.get(variable);
    if (found == null) {
      throw new GraftException("There is no variable " + variable + " to download");
    }
    return NativeCalls.make(
        () -> torch.toHost(found.array(), found.signature().dtype(), found.signature().shape()));
  }

  @Override
  public void release(String variable) {
    checkOpen();
    Variable old = variables.remove(variable);
    if (old != null) {
      NativeCalls.make(old::close);
    }
  }

  @Override
  public Set<String> variables() {
    checkOpen();
    return Set.copyOf(variables.keySet());
  }

  @Override
  public Program compile(Graph graph) {
    checkOpen();
    Script script = ScriptWriter.of(graph, processor);
    DjlProgram program = NativeCalls.make(() -> new DjlProgram(this, torch, loaded, graph.name(), script));
    programs.add(program);
    return program;
  }

  Optional<Variable> variable(String name) {
    return Optional.ofNullable(variables.get(name));
  }

  /** Gives a variable memory of its own, if it still reads the host's. */
  Variable owned(String name, Variable variable) {
    if (variable.uploaded().isEmpty()) {
      return variable;
    }
    Variable copy = new Variable(variable.signature(), torch.clone(variable.array()), Optional.empty());
    replace(name, copy);
    return copy;
  }

  void checkOpen() {
    if (closed) {
      throw new IllegalStateException("The session is closed");
    }
  }

  void forget(DjlProgram program) {
    programs.remove(program);
  }

  @Override
  public void close() {
    NativeCalls.make(this::closeNow);
  }

  private void closeNow() {
    if (!closed) {
      List.copyOf(programs).forEach(DjlProgram::close);
      closed = true;
      variables.values().forEach(Variable::close);
      variables.clear();
      torch.close();
    }
  }
}
