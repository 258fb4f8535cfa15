package dev.graft.error;

import org.apiguardian.api.API;

/** Reports that there is not the memory for what is asked, before or while it is allocated. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public class MemoryException extends GraftException {
  private static final long serialVersionUID = 1L;

  private final long needed;
  private final long available;

  /**
   * Creates an exception.
   *
   * @param message says what needs how much, how much there is, and what to do
   * @param needed bytes
   * @param available bytes
   */
  public MemoryException(String message, long needed, long available) {
    super(message);
    this.needed = needed;
    this.available = available;
  }

  /** Returns the bytes that are needed. */
  public long needed() {
    return needed;
  }

  /** Returns the bytes that there are. */
  public long available() {
    return available;
  }
}
