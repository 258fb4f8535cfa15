package dev.graft.error;

import org.apiguardian.api.API;

/**
 * Reports a fault that the user can mend: the message says what is wrong, where, and what to do.
 *
 * <p>
 * The command line prints the message alone and exits with code 2. A fault of Graft's own is any other
 * exception.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public class GraftException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception with a message that stands on its own. */
  public GraftException(String message) {
    super(message);
  }

  /** Creates an exception that keeps what caused it, for {@code --debug}. */
  public GraftException(String message, Throwable cause) {
    super(message, cause);
  }
}
