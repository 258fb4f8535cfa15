package dev.graft.data.dataset;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;

/** Gathers the notes of many samples: one sentence for each kind, with the first place and how many follow. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class EncodingNotes {
  private record Sort(EncodingNote.Kind kind, String role) {}

  private static final class Rows {
    private final EncodingNote first;
    private final int row;
    private int last;
    private int count = 1;

    private Rows(EncodingNote first, int row) {
      this.first = first;
      this.row = row;
      this.last = row;
    }

    private String others() {
      return switch (count) {
        case 1 -> "";
        case 2 -> ", and the like in 1 more row";
        default -> ", and the like in " + (count - 1) + " more rows";
      };
    }
  }

  private EncodingNotes() {
  }

  /**
   * Returns sentences without their full stops, in the order of the rows that they name first.
   *
   * @param origin what the samples come from, such as the name of a file
   * @param samples all samples of that origin in their order
   */
  public static List<String> sentences(String origin, List<EncodedSample> samples) {
    Map<Sort, Rows> found = new LinkedHashMap<>();
    for (int i = 0; i < samples.size(); i++) {
      int row = i + 1;
      for (EncodingNote note : samples.get(i).notes()) {
        Rows rows = found.computeIfAbsent(new Sort(note.kind(), note.role()), _ -> new Rows(note, row));
        if (rows.last != row) {
          rows.last = row;
          rows.count++;
        }
      }
    }
    List<String> sentences = new ArrayList<>();
    found.values()
        .forEach(rows -> sentences.add(rows.first.sentence(origin + ", row " + rows.row) + rows.others()));
    return sentences;
  }
}
