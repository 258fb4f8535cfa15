package dev.graft.data.tokenizer;

import org.apiguardian.api.API;

/**
 * Holds the tokens of a text with the place of each.
 *
 * @param ids token ids [tokens]
 * @param starts index in the text of each token's first character [tokens]
 * @param ends index in the text after each token's last character [tokens]; tokens that are parts of one
 *   character all have its place
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record TokenizedText(long[] ids, int[] starts, int[] ends) {}
