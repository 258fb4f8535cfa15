package dev.graft.spi;

import dev.graft.graph.DType;
import dev.graft.graph.Tensor;
import java.util.function.UnaryOperator;
import org.apiguardian.api.API;

/**
 * Gives a model family the layers it is made of. Names are the checkpoint's module names. Behind each call
 * stand the base parameters, whatever their storage, and the adapters that act there; the family knows of
 * neither. Activations are of the compute type.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface Layers {
  /** Returns the type of activations. */
  DType computeType();

  /** Looks ids [batch, seq] up in {@code name.weight} [vocabulary, dim]: [batch, seq, dim]. */
  Tensor embedding(String name, Tensor ids, long vocabulary, long dim);

  /** Applies {@code name.weight} [out, in] and, if asked, {@code name.bias}: [..., in] to [..., out]. */
  Tensor linear(String name, Tensor x, long out, boolean bias);

  /** Applies GPT-2's Conv1D: {@code name.weight} [in, out] and {@code name.bias}: [..., in] to [..., out]. */
  Tensor transposedLinear(String name, Tensor x, long out);

  /**
   * Makes the vocabulary's logits: [rows, hidden] to [rows, vocabulary].
   *
   * @param name the head's module name
   * @param tiedTo name of the embedding whose table is the weight; empty if the head has its own
   */
  Tensor head(String name, Tensor x, long vocabulary, String tiedTo);

  /** Returns a base parameter by its full name, such as {@code model.norm.weight}, in the compute type. */
  Tensor parameter(String name, long... shape);

  /**
   * Lets the method put embeddings before the sequence: [batch, seq, dim] to [batch, virtual + seq, dim].
   * Called once, with all that is added to embeddings but positions, by the embedding module's name.
   */
  Tensor input(String name, Tensor embeddings);

  /**
   * Attends causally: q [batch, heads, seq, dim], k and v [batch, kvHeads, seq, dim], already rotated, to
   * [batch, heads, seq, dim]. Padding, additional keys and the cache of decoding are seen to here.
   */
  Tensor attention(String name, AttentionSpec spec, Tensor q, Tensor k, Tensor v);

  /** Marks a block whose inner values may be computed again in the backward pass instead of being kept. */
  Tensor block(String name, Tensor x, UnaryOperator<Tensor> body);
}
