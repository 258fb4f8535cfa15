package dev.graft.backend.cuda;

/** What a kernel is given. */
sealed interface Argument {
  /** An address in some memory. */
  record Address(Storage storage, long offset) implements Argument {}

  /** A structure of 64-bit words, passed by value. */
  record Words(long... words) implements Argument {}
}
