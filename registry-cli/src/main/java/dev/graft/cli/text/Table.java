package dev.graft.cli.text;

import java.util.ArrayList;
import java.util.List;
import org.apiguardian.api.API;

/** Lines columns up. */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class Table {
  private final List<List<String>> rows = new ArrayList<>();
  private final List<Boolean> rightAligned = new ArrayList<>();

  /** Begins a table with a line of headings; one that starts with {@code >} stands over numbers. */
  public Table(String... headings) {
    List<String> names = new ArrayList<>();
    for (String heading : headings) {
      rightAligned.add(heading.startsWith(">"));
      names.add(heading.startsWith(">") ? heading.substring(1) : heading);
    }
    rows.add(names);
  }

  /** Adds a line of as many cells as there are headings. */
  public Table row(String... cells) {
    if (cells.length != rightAligned.size()) {
      throw new IllegalArgumentException("a row has " + cells.length + " cells, not " + rightAligned.size());
    }
    rows.add(List.of(cells));
    return this;
  }

  /** Returns the lines, two spaces between columns and none at the end. */
  public List<String> lines() {
    return rows.stream().map(this::line).toList();
  }

  private String line(List<String> row) {
    StringBuilder line = new StringBuilder();
    for (int column = 0; column < row.size(); column++) {
      int at = column;
      int width = rows.stream().mapToInt(r -> r.get(at).length()).max().orElse(0);
      String space = " ".repeat(width - row.get(column).length());
      line.append(column == 0 ? "" : "  ")
          .append(rightAligned.get(column) ? space + row.get(column) : row.get(column) + space);
    }
    return line.toString().stripTrailing();
  }
}
