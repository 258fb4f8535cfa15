package dev.graft.core.batch;

import dev.graft.core.TokenBatch;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Maps the tokens of a batch, without padding, to the slots of its padded rows, and back. A row begins with the
 * tokens that the method puts before it.
 */
final class PackedTokens {
  private final TokenBatch batch;
  private final int inputTokens;
  private final long[] slotOfToken;
  private final long[] tokenOfSlot;

  /**
   * Numbers the tokens.
   *
   * @param inputTokens embeddings that the method puts before each row
   * @param capacity more than there are tokens, fewer than there are slots
   */
  PackedTokens(TokenBatch batch, int inputTokens, int capacity) {
    this.batch = batch;
    this.inputTokens = inputTokens;
    this.slotOfToken = new long[capacity];
    this.tokenOfSlot = new long[batch.rows() * width()];
    // Filler slots point to padding, and padding to filler, so that neither takes a gradient from a token. The last
    // slot of padding ends a row, so the largest position is that of the padded batch, which some ropes depend on.
    int filler = batch.tokenCount() + batch.rows() * inputTokens;
    int next = 0;
    int padding = 0;
    for (int slot = 0; slot < tokenOfSlot.length; slot++) {
      if (isVirtual(slot) || batch.mask()[index(slot)] != 0) {
        slotOfToken[next] = slot;
        tokenOfSlot[slot] = next++;
      } else {
        tokenOfSlot[slot] = filler;
        padding = slot;
      }
    }
    Arrays.fill(slotOfToken, filler, capacity, padding);
  }

  private int width() {
    return batch.length() + inputTokens;
  }

  private boolean isVirtual(long slot) {
    return slot % width() < inputTokens;
  }

  /** Returns where the batch has the token of a slot. */
  private int index(long slot) {
    return Math.toIntExact(slot / width() * batch.length() + slot % width() - inputTokens);
  }

  /** Returns the number of the token in a slot. */
  long at(int slot) {
    return tokenOfSlot[slot];
  }

  /**
   * Builds the feeds of a forward pass, in which each token is a row by itself.
   *
   * @param keyTokens keys and values that the method puts before each row
   */
  Map<String, HostTensor> feeds(int keyTokens) {
    int count = slotOfToken.length;
    long[] ids = new long[count];
    long[] positions = new long[count];
    long[] embeddings = new long[count];
    for (int token = 0; token < count; token++) {
      long slot = slotOfToken[token];
      positions[token] = keyTokens + slot % width();
      ids[token] = isVirtual(slot) ? 0 : batch.ids()[index(slot)];
      embeddings[token] = isVirtual(slot) ? slot % width() : inputTokens + token;
    }
    Map<String, HostTensor> feeds = new LinkedHashMap<>();
    feeds.put(InputNames.IDS, HostTensor.ofLongs(Shape.of(count, 1), ids));
    feeds.put(InputNames.POSITIONS, HostTensor.ofLongs(Shape.of(count, 1), positions));
    feeds.put(InputNames.EMBEDDING_OF_TOKEN, HostTensor.ofLongs(Shape.of(count), embeddings));
    feeds.put(InputNames.SLOT_OF_TOKEN, HostTensor.ofLongs(Shape.of(count), slotOfToken));
    feeds.put(InputNames.TOKEN_OF_SLOT, HostTensor.ofLongs(Shape.of(tokenOfSlot.length), tokenOfSlot));
    return feeds;
  }
}
