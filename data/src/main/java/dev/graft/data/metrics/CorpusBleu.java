package dev.graft.data.metrics;

import dev.graft.error.GraftException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;

/**
 * Measures how close generated texts are to references: BLEU over a whole corpus (Papineni et al. 2002), as
 * sacrebleu computes it by default (Post 2018): words by the rules of mteval 13a, case as it is, up to 4 words
 * in a row, exponential smoothing of counts that are 0 (Chen and Cherry 2014, method 3).
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class CorpusBleu {
  private static final int MAX_ORDER = 4;

  private final long[] matches = new long[MAX_ORDER];
  private final long[] totals = new long[MAX_ORDER];
  private long length;
  private long referenceLength;

  private CorpusBleu() {
  }

  /**
   * Returns the score, from 0 to 100.
   *
   * @param hypotheses the generated texts
   * @param references for each of them the texts that count as right, at least one; of these, the one closest
   *   in length (the shorter of two) decides on the penalty for brevity
   * @throws GraftException if a text has no reference
   */
  public static double score(List<String> hypotheses, List<List<String>> references) {
    if (hypotheses.isEmpty() || hypotheses.size() != references.size()) {
      throw new GraftException("BLEU needs references for each of at least one text; there are "
          + hypotheses.size() + " texts and references for " + references.size());
    }
    CorpusBleu bleu = new CorpusBleu();
    for (int i = 0; i < hypotheses.size(); i++) {
      if (references.get(i).isEmpty()) {
        throw new GraftException("Text " + (i + 1) + " has no reference to measure BLEU by");
      }
      bleu.add(hypotheses.get(i), references.get(i));
    }
    return bleu.score();
  }

  private void add(String hypothesis, List<String> references) {
    List<String> words = MtevalTokenizer.words(hypothesis);
    Map<List<String>, Integer> most = new HashMap<>();
    int closest = -1;
    for (String reference : references) {
      List<String> referenceWords = MtevalTokenizer.words(reference);
      counts(referenceWords).forEach((gram, count) -> most.merge(gram, count, Math::max));
      int size = referenceWords.size();
      int distance = Math.abs(size - words.size()) - Math.abs(closest - words.size());
      if (closest < 0 || distance < 0 || distance == 0 && size < closest) {
        closest = size;
      }
    }
    counts(words).forEach((gram, count) -> {
      totals[gram.size() - 1] += count;
      matches[gram.size() - 1] += Math.min(count, most.getOrDefault(gram, 0));
    });
    length += words.size();
    referenceLength += closest;
  }

  private static Map<List<String>, Integer> counts(List<String> words) {
    Map<List<String>, Integer> counts = new HashMap<>();
    for (int order = 1; order <= MAX_ORDER; order++) {
      for (int i = 0; i + order <= words.size(); i++) {
        counts.merge(words.subList(i, i + order), 1, Integer::sum);
      }
    }
    return counts;
  }

  private double score() {
    // A corpus without any match scores 0; smoothing is for the longer runs of words only.
    if (matches[0] == 0 || totals[MAX_ORDER - 1] == 0) {
      return 0;
    }
    double logarithms = 0;
    double smoothing = 1;
    for (int n = 0; n < MAX_ORDER; n++) {
      double matched = matches[n];
      if (matched == 0) {
        smoothing *= 2;
        matched = 1 / smoothing;
      }
      logarithms += Math.log(100 * matched / totals[n]);
    }
    double brevity = length < referenceLength ? Math.exp(1 - (double) referenceLength / length) : 1;
    return brevity * Math.exp(logarithms / MAX_ORDER);
  }
}
