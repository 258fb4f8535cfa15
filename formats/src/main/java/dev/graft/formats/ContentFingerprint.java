package dev.graft.formats;

import dev.graft.graph.HostTensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.TreeSet;
import java.util.zip.CRC32C;
import org.apiguardian.api.API;

/** Tells content from other content by sixteen hexadecimal digits. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class ContentFingerprint {
  private static final long WHOLE_BYTES = 8L << 30;
  private static final long PAGE = 4096;
  private static final long SAMPLED_PAGES = 16;
  private static final long CHUNK = 1L << 26;
  private static final int SHOWN_BYTES = 8;

  private ContentFingerprint() {
  }

  /**
   * Takes the fingerprint of tensors: of their names, types, shapes and values, in whatever order. Up to 8 GiB in
   * all, every byte counts. Of more, which would take long to read, one page in sixteen of each tensor does: enough
   * for weights that were trained further, not for a single number that was changed.
   */
  public static String of(TensorSource tensors) {
    return of(tensors, WHOLE_BYTES);
  }

  static String of(TensorSource tensors, long wholeBytes) {
    long bytes = tensors.names().stream().map(tensors::signature)
        .mapToLong(signature -> signature.shape().size() * signature.dtype().bytes()).sum();
    MessageDigest digest = sha256();
    for (String name : new TreeSet<>(tensors.names())) {
      HostTensor tensor = tensors.tensor(name);
      long checksum = checksum(tensor.segment(), bytes <= wholeBytes ? 1 : SAMPLED_PAGES);
      digest.update((name + "\0" + tensor.dtype() + tensor.shape() + "\0" + checksum + "\0")
          .getBytes(StandardCharsets.UTF_8));
      MappedPages.release(tensor);
    }
    return shown(digest);
  }

  /** Takes the fingerprint of lists of numbers, in their order. */
  public static String of(Iterable<long[]> lists) {
    MessageDigest digest = sha256();
    for (long[] list : lists) {
      ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(Long.BYTES, list.length + 1))
          .putLong(list.length);
      for (long number : list) {
        bytes.putLong(number);
      }
      digest.update(bytes.flip());
    }
    return shown(digest);
  }

  /** Takes the fingerprint of a text. */
  public static String of(String text) {
    MessageDigest digest = sha256();
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    return shown(digest);
  }

  private static String shown(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest(), 0, SHOWN_BYTES);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-256", e);
    }
  }

  private static long checksum(MemorySegment segment, long every) {
    CRC32C checksum = new CRC32C();
    long part = every == 1 ? CHUNK : PAGE;
    for (long at = 0; at < segment.byteSize(); at += part * every) {
      checksum.update(segment.asSlice(at, Math.min(part, segment.byteSize() - at)).asByteBuffer());
    }
    return checksum.getValue();
  }
}
