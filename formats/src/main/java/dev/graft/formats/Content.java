package dev.graft.formats;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Writes what a file is to hold. */
@FunctionalInterface
interface Content {
  /** Writes all bytes; the caller opens and closes the channel. */
  void writeTo(WritableByteChannel out) throws IOException;

  /** Returns a text in UTF-8. */
  static Content of(String text) {
    return out -> writeAll(out, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** Returns the bytes of another file. */
  static Content copyOf(Path file) {
    return out -> {
      try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
        long at = 0;
        for (long count = 1; count > 0; at += count) {
          count = in.transferTo(at, 1 << 24, out);
        }
      }
    };
  }

  /** Writes a buffer to its end; a channel may take less at a time. */
  static void writeAll(WritableByteChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }
}
