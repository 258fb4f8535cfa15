package dev.graft.core.batch;

import org.apiguardian.api.API;

/** Names the inputs of a model's graphs. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class InputNames {
  /** Token ids I64 [rows, length], or [tokens, 1] if they are packed. */
  public static final String IDS = "input_ids";
  /** Positions I64 [rows, length of what enters the first layer], or [tokens, 1]. */
  public static final String POSITIONS = "position_ids";
  /** Which tokens are not padding: BOOL [rows, length], or [rows, cache length] while decoding. */
  public static final String ATTENTION_MASK = "attention_mask";
  /** What each packed token is embedded as, counting the method's embeddings before all others: I64 [tokens]. */
  public static final String EMBEDDING_OF_TOKEN = "embedding_of_token";
  /** The place of each packed token in padded rows, those of the method included: I64 [tokens]. */
  public static final String SLOT_OF_TOKEN = "slot_of_token";
  /** The packed token at each place of padded rows: I64 [rows · length of what enters the first layer]. */
  public static final String TOKEN_OF_SLOT = "token_of_slot";
  /** The slot of the cache that the next token takes: I64 [1]. */
  public static final String SLOT = "slot";
  /** Counts the batches of a training run, from 1: I64 scalar; seeds dropout. */
  public static final String STEP = "step";
  /** Indices of the hidden states that predict a label: I64 [labels]. */
  public static final String LABEL_ROWS = "label_rows";
  /** The labels: I64 [labels]. */
  public static final String LABELS = "labels";
  /** Each label's weight in the loss, in the accumulator type: [labels]. */
  public static final String LABEL_WEIGHTS = "label_weights";

  private InputNames() {
  }
}
