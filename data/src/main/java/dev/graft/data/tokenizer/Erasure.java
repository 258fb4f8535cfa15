package dev.graft.data.tokenizer;

/** Tells what normalizers may leave nothing of. */
enum Erasure {
  NOTHING,
  /** White space, control characters and combining marks. */
  BLANKS,
  /** Letters too. */
  WORDS
}
