package dev.graft.spi;

import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Holds variables on a device and compiles graphs that use them. A session and its programs are used by one
 * thread at a time, whichever. Closing waits for what still runs and frees all; closing twice does nothing.
 *
 * <p>
 * A device may still be computing when {@link Program#run} of a graph without outputs returns. Every later call
 * behaves as if it had ended: a download waits for it, and what went wrong is thrown by the next call of the
 * session or of one of its programs.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface Session extends AutoCloseable {
  /**
   * Creates a variable or replaces its value. A backend that claims
   * {@link Capabilities.Feature#ZERO_COPY_UPLOAD} may keep reading the given memory instead of copying it: the
   * caller neither writes to it nor frees it before the variable is released, replaced, or the session closed;
   * and a program that assigns the variable must not change that memory. Other backends have copied the memory
   * when this returns, and the caller may free it.
   *
   * @throws dev.graft.error.GraftException if a compiled program uses the variable with another signature
   * @throws dev.graft.error.MemoryException if the device has not the memory; nothing has changed then
   */
  void upload(String variable, HostTensor value);

  /**
   * Creates a variable or replaces its value, as {@link #upload(String, HostTensor)}, and tells when the memory
   * may be freed. A backend that claims {@link Capabilities.Feature#ZERO_COPY_UPLOAD} overrides this method; by
   * default the memory has been copied when the upload returns.
   *
   * @param unused is run once, by whichever thread uses the session, as soon as the session does not read the
   * given memory any more: before this returns if it was copied, and when the session is closed at the latest.
   * It is not run if this throws
   */
  default void upload(String variable, HostTensor value, Runnable unused) {
    upload(variable, value);
    unused.run();
  }

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
   * @throws dev.graft.error.GraftException if the backend cannot run an operation of the graph; names it. What
   * it would refuse {@link Backend#refusals} tells beforehand
   * @throws dev.graft.error.MemoryException if the device has not the memory
   */
  Program compile(Graph graph);

  @Override
  void close();
}
