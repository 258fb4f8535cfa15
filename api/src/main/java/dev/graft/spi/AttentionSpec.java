package dev.graft.spi;

import org.apiguardian.api.API;

/**
 * Describes an attention layer's arithmetic.
 *
 * @param layer index among the attention layers, from 0
 * @param scale multiplies the similarities; usually 1/√headDim
 * @param softcap bounds the similarities; 0 for none
 * @param window how many tokens a token sees, itself included; 0 for all before it
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record AttentionSpec(int layer, double scale, double softcap, long window) {}
