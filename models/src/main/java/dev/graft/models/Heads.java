package dev.graft.models;

import dev.graft.graph.Tensor;
import dev.graft.spi.Configuration;

/**
 * Holds the sizes of an attention layer.
 *
 * @param query number of query heads
 * @param keyValue number of key/value heads, each shared by query/keyValue query heads
 * @param dim length of one head's vectors
 */
record Heads(long query, long keyValue, long dim) {
  /** Rotary frequencies are tables of half this length, made before a weight is read. */
  private static final long LONGEST = 1 << 16;

  /** Reads sizes that default to as many key/value heads as query heads, which share the hidden size. */
  static Heads read(Configuration json) {
    return read(json, Sizes.required(json, "num_attention_heads"));
  }

  /** Reads sizes that default to a family's number of key/value heads. */
  static Heads read(Configuration json, long keyValueIfAbsent) {
    long query = Sizes.required(json, "num_attention_heads");
    long hidden = Sizes.required(json, "hidden_size");
    if (!json.has("hidden_size")) {
      return read(json, keyValueIfAbsent, 2);
    }
    if (!json.has("head_dim") && hidden % query != 0) {
      json.fault("hidden_size", "must be a multiple of num_attention_heads " + query + ", not " + hidden);
    }
    return read(json, keyValueIfAbsent, Math.max(1, hidden / query));
  }

  /** Reads sizes that default to a family's number of key/value heads and length of a head. */
  static Heads read(Configuration json, long keyValueIfAbsent, long dimIfAbsent) {
    long query = Sizes.required(json, "num_attention_heads");
    long keyValue = Sizes.nullable(json, "num_key_value_heads", keyValueIfAbsent).orElse(query);
    if (query % keyValue != 0) {
      json.fault("num_key_value_heads", "must divide num_attention_heads " + query + ", not " + keyValue);
    }
    long dim = Sizes.optional(json, "head_dim", dimIfAbsent);
    if (dim > LONGEST) {
      json.fault(json.has("head_dim") ? "head_dim" : "hidden_size",
          "gives heads of " + dim + " numbers; at most " + LONGEST + " are possible");
      dim = 2;
    }
    return new Heads(query, keyValue, dim);
  }

  /** Parts the last axis: [batch, seq, heads · dim] to [batch, heads, seq, dim]. */
  Tensor split(Tensor x) {
    return x.reshape(x.dim(0), x.dim(1), x.dim(2) / dim, dim).permute(0, 2, 1, 3);
  }

  /** Puts the heads side by side: [batch, heads, seq, dim] to [batch, seq, heads · dim]. */
  static Tensor join(Tensor x) {
    return x.permute(0, 2, 1, 3).reshape(x.dim(0), x.dim(2), x.dim(1) * x.dim(3));
  }
}
