package dev.graft.backend.cuda;

import java.util.List;

/**
 * Writes how a place's number becomes the places {@code x0}, {@code x1}, … in the tensors of a walk. Lengths
 * and distances are passed, but for distances 0 and 1, which make the code shorter.
 */
final class WalkCode {
  private final Walk walk;
  private final int width;
  private final String prefix;

  WalkCode(Walk walk, int width) {
    this(walk, width, "");
  }

  /**
   * Describes a walk.
   *
   * @param width neighbours that are taken together along the last axis
   * @param prefix of the names of fields and coordinates, to tell two walks apart
   */
  WalkCode(Walk walk, int width, String prefix) {
    this.walk = walk;
    this.width = width;
    this.prefix = prefix;
  }

  /** Returns the type that holds every number on the way. */
  String indexType() {
    return walk.span() * Math.max(1, width) < 1L << 31 ? "u32" : "i64";
  }

  /** Adds the fields of the structure of parameters, and their values. */
  void fields(StringBuilder fields, List<Long> words) {
    for (int axis = 0; axis < walk.rank(); axis++) {
      boolean last = axis == walk.rank() - 1;
      add(fields, words, prefix + "d" + axis, walk.dims()[axis] / (last ? width : 1));
      for (int tensor = 0; tensor < walk.strides().size(); tensor++) {
        add(fields, words, prefix + "s" + tensor + "_" + axis, walk.strides().get(tensor)[axis]);
      }
    }
  }

  private static void add(StringBuilder fields, List<Long> words, String name, long value) {
    fields.append("i64 ").append(name).append(";");
    words.add(value);
  }

  /** Writes the code that defines x0, x1, …. */
  String code(String number) {
    StringBuilder text = new StringBuilder();
    coordinates(text, number);
    for (int tensor = 0; tensor < walk.strides().size(); tensor++) {
      text.append("const I x").append(tensor).append("=").append(place(tensor)).append(";\n");
    }
    return text.toString();
  }

  /** Writes the code that defines the coordinates of a place. */
  void coordinates(StringBuilder text, String number) {
    text.append("I ").append(prefix).append("r=").append(number).append(";\n");
    for (int axis = walk.rank() - 1; axis > 0; axis--) {
      String field = "(I)p." + prefix + "d" + axis;
      text.append("const I ").append(prefix).append("k").append(axis).append("=").append(prefix).append("r%")
          .append(field).append(";").append(prefix).append("r/=").append(field).append(";\n");
    }
    text.append("const I ").append(prefix).append("k0=").append(prefix).append("r;\n");
  }

  /** Writes where those coordinates are in a tensor. */
  String place(int tensor) {
    StringBuilder sum = new StringBuilder();
    long[] strides = walk.strides().get(tensor);
    for (int axis = 0; axis < walk.rank(); axis++) {
      if (strides[axis] == 0) {
        continue;
      }
      sum.append(sum.isEmpty() ? "" : "+").append(prefix).append("k").append(axis);
      if (axis == walk.rank() - 1 && width > 1) {
        sum.append("*").append(width);
      }
      if (strides[axis] != 1) {
        sum.append("*(I)p.").append(prefix).append("s").append(tensor).append("_").append(axis);
      }
    }
    return sum.isEmpty() ? "0" : sum.toString();
  }
}
