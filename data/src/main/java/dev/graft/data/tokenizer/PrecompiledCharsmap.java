package dev.graft.data.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Base64;
import java.util.Deque;

/**
 * Follows all paths of a {@code precompiled_charsmap}, which the native library follows without looking where
 * they lead.
 *
 * <p>
 * The format is SentencePiece's: the size in bytes of a double-array trie in the form of Darts-clone, the trie
 * as 32-bit units, and replacement texts in UTF-8 that each end with a zero byte. The trie's values are places
 * among the texts.
 */
final class PrecompiledCharsmap {
  private static final int LEAF = 1 << 8;
  /** The native library looks up one character, or several that have less than six bytes in all. */
  private static final int MAX_KEY = 5;
  /** Some ten times what the largest charsmap in use has. */
  private static final int MAX_STEPS = 1_000_000;

  private final JsonPart part;
  private final int[] units;
  private final byte[] texts;
  private int longest;
  private boolean erasesWords;

  private PrecompiledCharsmap(JsonPart part, int[] units, byte[] texts) {
    this.part = part;
    this.units = units;
    this.texts = texts;
  }

  /** Checks a charsmap in base 64. */
  static PrecompiledCharsmap check(JsonPart part) {
    ByteBuffer bytes = ByteBuffer.wrap(decode(part)).order(ByteOrder.LITTLE_ENDIAN);
    long size = bytes.remaining() < Integer.BYTES ? -1 : Integer.toUnsignedLong(bytes.getInt());
    if (size < Integer.BYTES || size % Integer.BYTES != 0 || size > bytes.remaining()) {
      throw part.fault("is cut short or is no charsmap: its first four bytes do not give the size of a trie");
    }
    int[] units = new int[(int) (size / Integer.BYTES)];
    bytes.asIntBuffer().get(units);
    bytes.position(bytes.position() + (int) size);
    byte[] texts = new byte[bytes.remaining()];
    bytes.get(texts);
    PrecompiledCharsmap map = new PrecompiledCharsmap(part, units, texts);
    map.requireText();
    map.follow();
    return map;
  }

  private static byte[] decode(JsonPart part) {
    String text = part.text();
    try {
      byte[] bytes = Base64.getDecoder().decode(text);
      // Java takes a last group without its padding, and the native library does not.
      if (Base64.getEncoder().encodeToString(bytes).equals(text)) {
        return bytes;
      }
    } catch (IllegalArgumentException e) {
      throw part.fault("is not in base 64: " + e.getMessage());
    }
    throw part.fault("is not in base 64: its end is not padded");
  }

  private void requireText() {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(texts));
    } catch (CharacterCodingException e) {
      throw part.fault("holds replacements that are not UTF-8");
    }
  }

  /** Returns how many times longer a text can become. */
  int growth() {
    return Math.max(1, longest);
  }

  /** Tells whether letters, digits or signs are replaced by nothing. */
  boolean erasesWords() {
    return erasesWords;
  }

  private record Step(int base, byte[] key) {}

  private void follow() {
    Deque<Step> open = new ArrayDeque<>();
    open.push(new Step(offset(units[0]), new byte[0]));
    for (int steps = 0; !open.isEmpty(); steps++) {
      if (steps == MAX_STEPS) {
        throw part.fault("holds a trie of more than " + MAX_STEPS + " keys");
      }
      Step step = open.pop();
      for (int label = 1; label < 256; label++) {
        int at = within(step.base() ^ label);
        // A leaf has the sign bit, and is thus never taken for a branch.
        if ((units[at] & 0x800000FF) == label) {
          branch(at, append(step.key(), label), open);
        }
      }
    }
  }

  private void branch(int at, byte[] key, Deque<Step> open) {
    int base = at ^ offset(units[at]);
    if ((units[at] & LEAF) != 0) {
      replacement(units[within(base)] & Integer.MAX_VALUE, key);
    }
    if (key.length < MAX_KEY) {
      open.push(new Step(base, key));
    }
  }

  private static int offset(int unit) {
    return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
  }

  private int within(int at) {
    if (at < 0 || at >= units.length) {
      throw part.fault("holds a trie that points outside of itself");
    }
    return at;
  }

  private static byte[] append(byte[] key, int label) {
    byte[] longer = Arrays.copyOf(key, key.length + 1);
    longer[key.length] = (byte) label;
    return longer;
  }

  private void replacement(int start, byte[] key) {
    // A byte that continues a character has 10 as its first bits.
    if (start > texts.length || start < texts.length && (texts[start] & 0xC0) == 0x80) {
      throw part.fault("holds a replacement that begins outside of its texts or within a character");
    }
    int end = start;
    while (end < texts.length && texts[end] != 0) {
      end++;
    }
    String text = new String(texts, start, end - start, StandardCharsets.UTF_8);
    longest = Math.max(longest, text.codePointCount(0, text.length()));
    erasesWords |= text.isEmpty()
        && !new String(key, StandardCharsets.UTF_8).codePoints().allMatch(AddedTokensCheck::isBlank);
  }
}
