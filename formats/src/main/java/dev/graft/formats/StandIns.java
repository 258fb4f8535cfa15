package dev.graft.formats;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Recognises what often lies in a file's place after a download: a pointer of git LFS, a web page, or the text of
 * an error.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class StandIns {
  /** How many bytes of a file's start are enough to tell. */
  static final int START = 512;

  private static final String LFS = "version https://git-lfs.github.com/spec/";

  private StandIns() {
  }

  /**
   * Refuses a file that is no text of its own. A file that is missing or cannot be read passes: whoever reads it
   * says so.
   *
   * @throws GraftException if the file is a stand-in; says of what kind, and what to do
   */
  public static void refuse(Path file) {
    if (!Files.isRegularFile(file)) {
      return;
    }
    try (InputStream in = Files.newInputStream(file)) {
      refuse(file, download(in.readNBytes(START)));
    } catch (IOException _) {
      // Whoever reads the file says what is wrong.
    }
  }

  /** Refuses a file by its first bytes, which are all if there are fewer than {@link #START}. */
  static void refuse(Path file, byte[] start) {
    boolean wide = startsWith(start, 0xFF, 0xFE) || startsWith(start, 0xFE, 0xFF);
    refuse(file,
        wide ? Optional.of("in UTF-16, by the mark at its start: save it in UTF-8") : download(start));
  }

  private static void refuse(Path file, Optional<String> kind) {
    if (kind.isPresent()) {
      throw new GraftException(file + " is " + kind.get());
    }
  }

  /** Refuses a file of binary data by its first bytes. */
  static void refuseInBinary(Path file, byte[] start) {
    refuse(file, start);
    if (startsWith(start, 'P', 'K', 3, 4)) {
      throw new GraftException(file + " is a zip archive, such as torch.save writes, and no safetensors file."
          + " Save the tensors by safetensors.torch.save_file, where you trust its author");
    }
    if (startsWith(start, 0x1F, 0x8B)) {
      throw new GraftException(file + " is compressed by gzip: unpack it first");
    }
    if (start.length >= Long.BYTES && isText(start)) {
      String line = new String(start, StandardCharsets.UTF_8).strip().lines().findFirst().orElse("");
      throw new GraftException(file + " holds text instead of tensors, which begins with \""
          + line.substring(0, Math.min(60, line.length()))
          + "\", as if a download had failed. Download it again");
    }
  }

  private static Optional<String> download(byte[] start) {
    String text = new String(start, StandardCharsets.UTF_8).strip();
    if (text.startsWith(LFS)) {
      return Optional
          .of("a pointer of git LFS and not the file itself: run \"git lfs pull\" in its folder, or"
              + " download the file again");
    }
    String lower = text.replace("\uFEFF", "").strip().toLowerCase(Locale.ROOT);
    if (lower.startsWith("<!doctype html") || lower.startsWith("<html") || lower.startsWith("<head")) {
      return Optional
          .of("a web page, such as one to log in or of an error, saved in the file's place: download"
              + " the file again, logged in if its page asks for that");
    }
    return Optional.empty();
  }

  private static boolean startsWith(byte[] bytes, int... wanted) {
    if (bytes.length < wanted.length) {
      return false;
    }
    for (int i = 0; i < wanted.length; i++) {
      if ((bytes[i] & 0xFF) != wanted[i]) {
        return false;
      }
    }
    return true;
  }

  private static boolean isText(byte[] bytes) {
    CharBuffer text = CharBuffer.allocate(bytes.length);
    // The last character may be cut off.
    CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes), text, false);
    return !result.isError() && text.flip().chars()
        .allMatch(c -> c >= ' ' || c == '\n' || c == '\r' || c == '\t');
  }
}
