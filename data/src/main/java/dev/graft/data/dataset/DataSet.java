package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apiguardian.api.API;

/** Reads data sets. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class DataSet {
  private DataSet() {
  }

  /**
   * Reads all rows of a file: JSON Lines, a JSON list, or a JSON object that holds such a list in one field;
   * plain or compressed by gzip, in UTF-8. The first row decides on the shape, and all others must have it.
   *
   * @return the rows in their order; each knows its file and line
   * @throws GraftException if the file cannot be read, is empty, holds more than Java's memory has room for, or
   *   holds a row of another shape; the message names the file, the line, the field, what is there and the
   *   nearest field
   */
  public static List<Sample> read(Path file, DataFormat format) {
    List<Sample> samples = new ArrayList<>();
    List<RowShape> shape = new ArrayList<>();
    new RowFile(file, fields -> RowShape.fits(format, fields), DataMemory.ofThisProcess()).read(row -> {
      if (shape.isEmpty()) {
        shape.add(RowShape.of(format, row));
      }
      samples.add(shape.getFirst().sample(row).at(new Origin(row.place())));
    });
    if (samples.isEmpty()) {
      throw new GraftException("The data set " + file + " has no rows");
    }
    return List.copyOf(samples);
  }
}
