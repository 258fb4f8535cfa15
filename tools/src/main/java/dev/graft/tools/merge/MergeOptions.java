package dev.graft.tools.merge;

import dev.graft.core.TokenBatch;
import dev.graft.formats.ModelFolderWriter;
import dev.graft.formats.TensorProgress;
import dev.graft.graph.DType;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Sets how an adapter is merged.
 *
 * @param policy what becomes of a quantised base model
 * @param probe tokens on which the merged model is compared with the base and the adapter apart; empty to
 *   compare weights only
 * @param compute type of computation on the probe; the merge itself is always computed in F32
 * @param untie whether a head that shares its weight with the embedding gets one of its own, so that a change
 *   of either leaves the other as it is
 * @param writer writes the merged folder
 * @param progress learns how far the work is
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record MergeOptions(MergePolicy policy, Optional<TokenBatch> probe, DType compute, boolean untie,
    ModelFolderWriter writer, TensorProgress progress) {
  /** Returns options that refuse to change a quantised weight and compare weights only. */
  public static MergeOptions standard() {
    return new MergeOptions(MergePolicy.REFUSE, Optional.empty(), DType.F32, false,
        ModelFolderWriter.standard(), TensorProgress.NONE);
  }

  /** Returns these options with another policy. */
  public MergeOptions with(MergePolicy other) {
    return new MergeOptions(other, probe, compute, untie, writer, progress);
  }

  /** Returns these options with a probe and the type in which it is computed. */
  public MergeOptions withProbe(TokenBatch batch, DType type) {
    return new MergeOptions(policy, Optional.of(batch), type, untie, writer, progress);
  }

  /** Returns these options with a head of its own weight. */
  public MergeOptions untied() {
    return new MergeOptions(policy, probe, compute, true, writer, progress);
  }

  /** Returns these options with another writer. */
  public MergeOptions with(ModelFolderWriter other) {
    return new MergeOptions(policy, probe, compute, untie, other, progress);
  }

  /** Returns these options with a listener. */
  public MergeOptions with(TensorProgress other) {
    return new MergeOptions(policy, probe, compute, untie, writer, other);
  }
}
