package dev.graft.spi;

import dev.graft.graph.DType;
import org.apiguardian.api.API;

/**
 * States why a backend cannot run a graph.
 *
 * @param operation name of the operation that it cannot run, such as {@code matmul}, or {@code training} for an
 * assignment
 * @param type in which the operation was asked for
 * @param reason completes the sentence "the backend does not run this operation in this type: ..."
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Refusal(String operation, DType type, String reason) {
  @Override
  public String toString() {
    return operation + " in " + type + ": " + reason;
  }
}
