package dev.graft.core.generate;

import dev.graft.compiler.pass.Invariants;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.graph.Assignment;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** Runs a graph of decoding, over a cache in the session. */
final class DecodeProgram implements AutoCloseable {
  private final Session session;
  private final Program program;
  private final Set<String> inputs;
  private final Optional<Program> once;
  private final Map<String, Signature> owned;

  private DecodeProgram(Session session, Program program, Set<String> inputs, Optional<Program> once,
      Map<String, Signature> owned) {
    this.session = session;
    this.program = program;
    this.inputs = inputs;
    this.once = once;
    this.owned = owned;
  }

  /** Compiles a graph that runs once over the same weights. */
  static DecodeProgram single(Session session, Graph graph) {
    return compile(session, new Invariants(Optional.empty(), graph));
  }

  /** Compiles a graph that runs many times over the same weights. */
  static DecodeProgram repeated(Session session, Graph graph) {
    String free = free(session);
    return compile(session, Invariants.of(graph, i -> free + i));
  }

  private static DecodeProgram compile(Session session, Invariants parts) {
    List<Assignment> assigned = new ArrayList<>(parts.each().assignments());
    parts.once().ifPresent(once -> assigned.addAll(once.assignments()));
    Map<String, Signature> owned = new LinkedHashMap<>();
    List<Program> programs = new ArrayList<>();
    try {
      for (Assignment assignment : assigned) {
        if (!session.variables().contains(assignment.name())) {
          session.allocate(assignment.name(), assignment.value().dtype(), assignment.value().shape());
          owned.put(assignment.name(), assignment.value().signature());
        }
      }
      programs.add(session.compile(parts.each()));
      parts.once().ifPresent(once -> programs.add(session.compile(once)));
      return new DecodeProgram(session, programs.getFirst(), parts.each().inputs().keySet(),
          programs.size() > 1 ? Optional.of(programs.getLast()) : Optional.empty(), owned);
    } catch (RuntimeException | Error e) {
      programs.forEach(Program::close);
      owned.keySet().forEach(session::release);
      throw e;
    }
  }

  /** Finds a beginning of names that no variable of the session has. */
  private static String free(Session session) {
    for (int i = 0;; i++) {
      String candidate = "kept/" + i + "/";
      if (session.variables().stream().noneMatch(name -> name.startsWith(candidate))) {
        return candidate;
      }
    }
  }

  /** Sets the variables that were created for this program to zeros: no trace of an earlier run stays. */
  void clear() {
    owned.forEach((name, value) -> session.allocate(name, value.dtype(), value.shape()));
  }

  /** Computes what the coming runs have in common; to be called again once weights may have changed. */
  void begin() {
    once.ifPresent(common -> common.run(Map.of()));
  }

  /** Returns the logits [rows, vocabulary]; feeds that the graph does not take are left out. */
  HostTensor run(Map<String, HostTensor> feeds) {
    feeds.keySet().retainAll(inputs);
    return Objects.requireNonNull(program.run(feeds).get(ModelGraphs.LOGITS));
  }

  /** Frees the programs, and the variables that were created for them. */
  @Override
  public void close() {
    program.close();
    once.ifPresent(Program::close);
    owned.keySet().forEach(session::release);
  }
}
