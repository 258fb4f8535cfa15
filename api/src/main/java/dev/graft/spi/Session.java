package dev.graft.spi;

import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Holds variables on a device and compiles graphs that use them. A session and its programs are used by one
 * thread at a time. Closing frees all; closing twice does nothing.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface Session extends AutoCloseable {
  /**
   * Creates a variable or replaces its value. The backend may keep reading the given memory instead of
   * copying it (see {@link Capabilities.Feature#ZERO_COPY_UPLOAD}): the caller must not write to it
   * afterwards, and a program that assigns the variable must not change that memory.
   *
   * @throws dev.graft.error.GraftException if a compiled program uses the variable with another signature
   */
  void upload(String variable, HostTensor value);

  /** Creates a variable of zeros, or sets an existing one of that signature to zeros. */
  void allocate(String variable, DType dtype, Shape shape);

  /**
   * Copies a variable's value to the host.
   *
   * @throws dev.graft.error.GraftException if there is no such variable
   */
  HostTensor download(String variable);

  /** Frees a variable; one that does not exist is fine. */
  void release(String variable);

  /** Returns the names of the variables that exist. */
  Set<String> variables();

  /**
   * Compiles a graph. Its variables are bound by name when the program runs.
   *
   * @throws dev.graft.error.GraftException if the backend cannot run an operation of the graph; names it
   */
  Program compile(Graph graph);

  @Override
  void close();
}
