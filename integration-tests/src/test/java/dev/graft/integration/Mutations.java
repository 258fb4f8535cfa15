package dev.graft.integration;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Damages files at random: flipped bits, cut ends, repeated parts, and values that no file should hold. */
final class Mutations {
  private static final Pattern VALUE = Pattern
      .compile("(?<=:)\\s*(-?[0-9][0-9.eE+-]*|true|false|null|\"[^\"]*\"|\\[[^\\[\\]{}]*\\])");
  private static final List<String> HOSTILE = List.of("-1", "0", "1", "2", "3", "7", "1000000", "1048576",
      "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "1e308",
      "1e999",
      "-0.0", "1e-300", "0.5", "null", "true", "false", "\"\"", "\"x\"", "\"all-linear\"", "[]", "[0]",
      "[-1]",
      "[1e9]", "[null]", "[[]]", "{}", "{\"a\":1}", "{\"rope_type\":\"yarn\",\"factor\":1e300}",
      "\"\\ud800\"", "\"(\"", "\"\\u0000\"", "NaN", "Infinity");

  private Mutations() {
  }

  /** Damages a JSON text, most often by a value that is well-formed and wrong. */
  static byte[] json(byte[] sound, Random random) {
    return random.nextInt(3) == 0 ? bytes(sound, random, sound.length) : values(sound, random);
  }

  private static byte[] values(byte[] sound, Random random) {
    String text = new String(sound, StandardCharsets.UTF_8);
    for (int changes = random.nextInt(2); changes >= 0; changes--) {
      List<MatchResult> values = VALUE.matcher(text).results().toList();
      if (values.isEmpty()) {
        return bytes(sound, random, sound.length);
      }
      MatchResult value = values.get(random.nextInt(values.size()));
      String hostile = HOSTILE.get(random.nextInt(HOSTILE.size()));
      text = text.substring(0, value.start()) + hostile + text.substring(value.end());
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Damages the first so many bytes, or the end. */
  static byte[] bytes(byte[] sound, Random random, int bound) {
    byte[] out = sound.clone();
    for (int changes = random.nextInt(3); changes >= 0 && out.length > 0; changes--) {
      int at = random.nextInt(Math.min(out.length, bound));
      out = switch (random.nextInt(5)) {
        case 0, 1 -> {
          out[at] ^= (byte) (1 << random.nextInt(8));
          yield out;
        }
        case 2 ->
          Arrays.copyOf(out, random.nextInt(4) == 0 ? random.nextInt(out.length + 1) : out.length - 1);
        case 3 -> spliced(out, at, at + random.nextInt(9),
            HOSTILE.get(random.nextInt(HOSTILE.size())).getBytes(StandardCharsets.UTF_8));
        default -> spliced(out, at, at, Arrays.copyOfRange(out, at, Math.min(out.length, at + 60)));
      };
    }
    return out;
  }

  private static byte[] spliced(byte[] bytes, int from, int to, byte[] text) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(bytes, 0, from);
    out.writeBytes(text);
    int rest = Math.min(bytes.length, to);
    out.write(bytes, rest, bytes.length - rest);
    return out.toByteArray();
  }
}
