package dev.graft.core.generate;

import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.spi.Session;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The programs that continue prompts of one composition of rows over one cache of keys and values. */
final class Decoding implements AutoCloseable {
  private final Session session;
  private final ModelGraphs graphs;
  private final List<RowGroup> groups;
  private final int cacheLength;
  private final Map<Integer, DecodeProgram> prompts = new HashMap<>();
  private Optional<DecodeProgram> next = Optional.empty();

  Decoding(Session session, ModelGraphs graphs, List<RowGroup> groups, int cacheLength) {
    this.session = session;
    this.graphs = graphs;
    this.groups = groups;
    this.cacheLength = cacheLength;
  }

  /** Returns the run over prompts of a length, padding included, with an empty cache before it. */
  DecodeProgram prompt(int length) {
    DecodeProgram program = prompts.computeIfAbsent(length,
        _ -> DecodeProgram.single(session, graphs.prompt(groups, length, cacheLength)));
    // What is masked counts nothing only if it is finite, which values of an earlier call need not be.
    prompts.values().forEach(DecodeProgram::clear);
    return program;
  }

  /** Returns the run over one more token a row. */
  DecodeProgram next() {
    DecodeProgram program = next
        .orElseGet(() -> DecodeProgram.repeated(session, graphs.next(groups, cacheLength)));
    next = Optional.of(program);
    return program;
  }

  int cacheLength() {
    return cacheLength;
  }

  /** Tells whether some rows use an adapter. */
  boolean uses(String adapter) {
    return groups.stream()
        .anyMatch(group -> group.attachment().isPresent() && group.adapter().equals(adapter));
  }

  /** Frees the programs, and with them the cache. */
  @Override
  public void close() {
    List<DecodeProgram> all = new ArrayList<>(prompts.values());
    next.ifPresent(all::add);
    prompts.clear();
    next = Optional.empty();
    all.forEach(DecodeProgram::close);
  }
}
