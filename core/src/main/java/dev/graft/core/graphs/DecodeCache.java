package dev.graft.core.graphs;

/** Names the variables that hold earlier tokens' keys and values while decoding. */
final class DecodeCache {
  private DecodeCache() {
  }

  static String name(long rows, long length, int layer, String what) {
    return "cache/" + rows + "x" + length + "/" + layer + "/" + what;
  }
}
