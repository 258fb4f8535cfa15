package dev.graft.testkit;

import java.util.Random;

/** Names the seed from which the tests of this run draw. */
final class Seed {
  static final String PROPERTY = "graft.testkit.seed";
  static final long VALUE = read();

  private Seed() {
  }

  private static long read() {
    String text = System.getProperty(PROPERTY, "1");
    return text.equals("random") ? new Random().nextLong() : Long.parseLong(text);
  }

  /** Starts the stream of a test, which depends on no other test. */
  static Random stream(String test) {
    return new Random(VALUE * 31 + test.hashCode());
  }

  /** Says how to repeat a failure. */
  static String hint() {
    return "repeat by -D" + PROPERTY + "=" + VALUE;
  }
}
