package dev.graft.core.batch;

import dev.graft.graph.DType;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Repack;
import java.util.List;
import org.apiguardian.api.API;

/**
 * Holds the tokens of a batch one after the other, each as a row by itself, and brings them into padded rows
 * for those that need to see rows.
 *
 * @param rows of the batch
 * @param width of a row: its tokens, those that the method puts before them, and padding
 * @param tokens for which there is room
 */
@API(status = API.Status.INTERNAL, since = "0.1")
public record Packing(long rows, long width, long tokens) {
  /** Puts a method's embeddings [virtual, dim] where each row begins: [tokens, 1, dim] to the same. */
  public Tensor withInput(Tensor extra, Tensor embeddings) {
    long dim = extra.dim(1);
    return Tensor.concat(0, List.of(extra, embeddings.reshape(tokens, dim)))
        .gather(0, Tensor.input(InputNames.EMBEDDING_OF_TOKEN, DType.I64, tokens)).reshape(tokens, 1, dim);
  }

  /** Brings [tokens, heads, 1, dim] into rows: [rows, heads, width, dim]. */
  public Tensor intoRows(Tensor x) {
    long heads = x.dim(1);
    long dim = x.dim(3);
    return Repack.of(x.reshape(tokens, heads * dim), tokenOfSlot(), slotOfToken())
        .reshape(rows, width, heads, dim).permute(0, 2, 1, 3);
  }

  /** Takes [rows, heads, width, dim] out of rows: [tokens, heads, 1, dim]. */
  public Tensor outOfRows(Tensor x) {
    long heads = x.dim(1);
    long dim = x.dim(3);
    Tensor slots = x.permute(0, 2, 1, 3).reshape(rows * width, heads * dim);
    return Repack.of(slots, slotOfToken(), tokenOfSlot()).reshape(tokens, heads, 1, dim);
  }

  private Tensor tokenOfSlot() {
    return Tensor.input(InputNames.TOKEN_OF_SLOT, DType.I64, rows * width);
  }

  private Tensor slotOfToken() {
    return Tensor.input(InputNames.SLOT_OF_TOKEN, DType.I64, tokens);
  }
}
