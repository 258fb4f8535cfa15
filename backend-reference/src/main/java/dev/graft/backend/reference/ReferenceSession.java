package dev.graft.backend.reference;

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

/** Holds variables as Java arrays. */
final class ReferenceSession implements Session {
  /** The value of a variable; a program that assigns the variable replaces it by another. */
  record Variable(Signature signature, Values values) {}

  private final Workers workers;
  private final Map<String, Variable> variables = new LinkedHashMap<>();
  private final Set<ReferenceProgram> programs = new LinkedHashSet<>();
  private boolean closed;

  ReferenceSession(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void upload(String variable, HostTensor value) {
    checkOpen();
    Signature signature = new Signature(value.dtype(), value.shape());
    checkPrograms(variable, signature);
    variables.put(variable, new Variable(signature, Values.of(value)));
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
    variables.put(variable, new Variable(signature, Values.zeros(dtype, shape)));
  }

  private void checkPrograms(String variable, Signature signature) {
    programs.forEach(program -> program.binding().checkChange(variable, signature));
  }

  @Override
  public HostTensor download(String variable) {
    checkOpen();
    Variable found = variables.get(variable);
    if (found == null) {
      throw new GraftException("There is no variable " + variable + " to download");
    }
    return found.values().toHost(found.signature().shape());
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
    ReferenceProgram program = new ReferenceProgram(this, new Kernels(workers), graph);
    programs.add(program);
    return program;
  }

  Optional<Variable> variable(String name) {
    return Optional.ofNullable(variables.get(name));
  }

  /** Gives variables that exist new values of their signatures. */
  void assign(Map<String, Values> values) {
    values.forEach((name, value) -> variables.computeIfPresent(name,
        (_, old) -> new Variable(old.signature(), value)));
  }

  void forget(ReferenceProgram program) {
    programs.remove(program);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("The session is closed");
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      List.copyOf(programs).forEach(ReferenceProgram::close);
      variables.clear();
      workers.close();
    }
  }
}
