package dev.graft.formats;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Tells whether a file's bytes are those that were written. It guards against accidents, not against forgery.
 *
 * @param bytes length of the file
 * @param crc32c checksum of the file, RFC 3720
 */
record Fingerprint(long bytes, long crc32c) {
  private static final int CHUNK = 1 << 16;

  static Fingerprint of(Path file) throws IOException {
    CRC32C checksum = new CRC32C();
    long bytes = 0;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK);
      while (channel.read(buffer) >= 0) {
        bytes += buffer.flip().remaining();
        checksum.update(buffer);
        buffer.clear();
      }
    }
    return new Fingerprint(bytes, checksum.getValue());
  }

  Map<String, Object> toJson() {
    return Map.of("bytes", bytes, "crc32c", HexFormat.of().toHexDigits((int) crc32c));
  }

  static Fingerprint fromJson(@Nullable Object json, Path file) {
    if (json instanceof Map<?, ?> map && map.get("bytes") instanceof Long bytes
        && map.get("crc32c") instanceof String hex && hex.matches("[0-9a-f]{8}")) {
      return new Fingerprint(bytes, HexFormat.fromHexDigitsToLong(hex));
    }
    throw new GraftException(file + " lacks the length and checksum of a file that belongs to it");
  }
}
