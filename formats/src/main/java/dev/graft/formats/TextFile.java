package dev.graft.formats;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.apiguardian.api.API;

/** Reads and writes small text files in UTF-8. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class TextFile {
  private TextFile() {
  }

  /**
   * Reads a file, without the byte order mark that some editors put first.
   *
   * @param name what error messages call the file, its path included
   * @param maxBytes the greatest size that the file may have
   * @throws GraftException if there is no such file, it is no plain file, it is longer, or it is not UTF-8; the
   *   message names the line
   */
  public static String read(Path file, String name, int maxBytes) {
    byte[] bytes;
    try (InputStream in = PlainFile.open(file, name)) {
      bytes = in.readNBytes(maxBytes + 1);
    } catch (IOException e) {
      throw FileFaults.reading(file, e);
    }
    if (bytes.length > maxBytes) {
      throw new GraftException(name + " is longer than " + maxBytes + " bytes, the most that is read of it");
    }
    return decoded(bytes, name);
  }

  /**
   * Decodes a text, without a byte order mark.
   *
   * @param name what error messages call where the text comes from
   * @throws GraftException if the text is not UTF-8; the message names the line
   */
  public static String decoded(byte[] bytes, String name) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(buffer).toString();
    } catch (CharacterCodingException e) {
      throw new GraftException(name + ", line " + line(bytes, buffer.position()) + ", is not text in UTF-8"
          + (utf16(bytes) ? " but in UTF-16" : "") + "; convert it to UTF-8", e);
    }
    return text.startsWith("\ufeff") ? text.substring(1) : text;
  }

  private static boolean utf16(byte[] bytes) {
    return bytes.length > 1 && (bytes[0] == (byte) 0xff && bytes[1] == (byte) 0xfe
        || bytes[0] == (byte) 0xfe && bytes[1] == (byte) 0xff);
  }

  private static int line(byte[] bytes, int position) {
    int line = 1;
    for (int i = 0; i < position; i++) {
      line += bytes[i] == '\n' ? 1 : 0;
    }
    return line;
  }

  /**
   * Writes a file in the place of an old one, folders above it included: a reader sees the old or the new,
   * never a part.
   *
   * @throws GraftException if the disk refuses
   */
  public static void replace(Path file, String text) {
    try {
      SafeFiles.DISK.createDirectories(SafeFiles.directoryOf(file));
      SafeFiles.DISK.replace(file, Content.of(text));
    } catch (IOException e) {
      throw FileFaults.writing(file, e);
    }
  }

  /**
   * Deletes the drafts of single files that processes which were killed have left in a folder. The caller has locked
   * it, so that nobody writes there now.
   *
   * @throws GraftException if the disk refuses
   */
  public static void discardDrafts(Path folder) {
    try {
      SafeFiles.DISK.discardDrafts(folder);
    } catch (IOException e) {
      throw FileFaults.writing(folder, e);
    }
  }
}
