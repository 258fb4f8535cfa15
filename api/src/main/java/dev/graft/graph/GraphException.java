package dev.graft.graph;

import dev.graft.error.GraftException;
import org.apiguardian.api.API;

/** Reports operands that an operation cannot take; raised while the graph is built. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public class GraphException extends GraftException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception with a message that names the operation, its operands and the site. */
  public GraphException(String message) {
    super(message);
  }
}
