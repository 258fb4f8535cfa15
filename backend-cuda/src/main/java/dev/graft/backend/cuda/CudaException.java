package dev.graft.backend.cuda;

import dev.graft.error.GraftException;

/** Says that the driver or one of NVIDIA's libraries refused a call. */
final class CudaException extends GraftException {
  private static final long serialVersionUID = 1;

  private final int code;

  CudaException(String message, int code) {
    super(message);
    this.code = code;
  }

  /** Returns the library's own number. */
  int code() {
    return code;
  }
}
