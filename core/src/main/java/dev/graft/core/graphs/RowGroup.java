package dev.graft.core.graphs;

import dev.graft.core.attach.Attachment;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Says which adapter a run of rows of a batch uses.
 *
 * @param adapter the adapter's name, under which its variables are uploaded
 * @param attachment the adapter; empty for the base model alone
 * @param from first row
 * @param to row after the last
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record RowGroup(String adapter, Optional<Attachment> attachment, long from, long to) {
  /** Gives all rows one adapter. */
  public static RowGroup all(String adapter, Attachment attachment, long rows) {
    return new RowGroup(adapter, Optional.of(attachment), 0, rows);
  }

  /** Gives all rows the base model. */
  public static RowGroup base(long rows) {
    return new RowGroup("", Optional.empty(), 0, rows);
  }

  /** Returns how many positions the method puts before each row. */
  public int virtualTokens() {
    return attachment.map(Attachment::virtualTokens).orElse(0);
  }
}
