package dev.graft.tools.merge;

import org.apiguardian.api.API;

/** Says what becomes of a quantised base model when an adapter is merged into it. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public enum MergePolicy {
  /** Refuses to change a quantised weight. */
  REFUSE,
  /** Writes every weight in the type that it had before it was quantised: exact but for that type. */
  DEQUANTIZE,
  /** Encodes the changed weights again by their old settings: as small as before, and not exact. */
  REQUANTIZE
}
