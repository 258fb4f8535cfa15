package dev.graft.integration;

import dev.graft.error.MemoryException;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import java.util.Set;

/** Passes everything on to a session, until a number of uploads is reached: then its device is full. */
final class FailingSession implements Session {
  private final Session session;
  private int room;

  FailingSession(Session session, int room) {
    this.session = session;
    this.room = room;
  }

  /** Makes room for so many more uploads. */
  void room(int uploads) {
    room = uploads;
  }

  @Override
  public void upload(String variable, HostTensor value) {
    if (room == 0) {
      throw new MemoryException("The device is full", value.bytes(), 0);
    }
    room--;
    session.upload(variable, value);
  }

  @Override
  public void allocate(String variable, DType dtype, Shape shape) {
    session.allocate(variable, dtype, shape);
  }

  @Override
  public HostTensor download(String variable) {
    return session.download(variable);
  }

  @Override
  public void release(String variable) {
    session.release(variable);
  }

  @Override
  public Set<String> variables() {
    return session.variables();
  }

  @Override
  public Program compile(Graph graph) {
    return session.compile(graph);
  }

  @Override
  public void close() {
    session.close();
  }
}
