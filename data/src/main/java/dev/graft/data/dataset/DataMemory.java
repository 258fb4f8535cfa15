package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * Bounds what is read of a file, since a few compressed bytes can stand for more rows than Java's memory holds.
 * Counts the bytes that come through, and what objects take beside them.
 */
final class DataMemory extends FilterInputStream {
  /** Texts take a third at most; their tokens take as much again and more. */
  private static final int SHARE = 3;
  private static final int ROW = 128;

  private final String name;
  private final long limit;
  private long taken;

  DataMemory(InputStream in, String name, long limit) {
    super(in);
    this.name = name;
    this.limit = limit;
  }

  /** Returns how many bytes of rows this process can hold. */
  static long ofThisProcess() {
    return Runtime.getRuntime().maxMemory() / SHARE;
  }

  void row() {
    take(ROW);
  }

  private void take(long bytes) {
    taken += bytes;
    if (taken > limit) {
      throw new GraftException(name + " holds more than " + (limit >> 20)
          + " MiB of rows, which is what Java's memory has room for beside their tokens: split the file, or give"
          + " Java more memory, as by JAVA_TOOL_OPTIONS=-Xmx8g");
    }
  }

  @Override
  public int read() throws IOException {
    int next = super.read();
    take(next < 0 ? 0 : 1);
    return next;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    int count = super.read(bytes, offset, length);
    take(Math.max(0, count));
    return count;
  }

  @Override
  public boolean markSupported() {
    return false;
  }
}
