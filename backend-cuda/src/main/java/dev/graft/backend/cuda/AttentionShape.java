package dev.graft.backend.cuda;

import dev.graft.graph.DType;
import java.util.List;

/**
 * All that the plan of an attention depends on.
 *
 * @param type of queries, keys and values
 * @param batch number of sequences
 * @param heads of the queries
 * @param kvHeads of keys and values
 * @param targets positions of the queries
 * @param sources positions of keys and values
 * @param dim of a head
 * @param scale multiplies the similarities
 * @param causal whether a target sees no later source
 * @param backward whether gradients are computed
 * @param strides of q, k, v and the mix, and backward of the mix' gradient and those of q, k and v, along batch,
 * head and position; each head's elements lie side by side
 */
record AttentionShape(DType type, long batch, long heads, long kvHeads, long targets, long sources, long dim,
    double scale, boolean causal, boolean backward, List<List<Long>> strides) {}
