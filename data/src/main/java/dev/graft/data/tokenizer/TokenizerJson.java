package dev.graft.data.tokenizer;

import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Holds a {@code tokenizer.json} whose content the native library can be trusted with.
 *
 * <p>
 * That library reports most faults, but at some ends the whole process, at once or with the first text that
 * meets them, and follows others without end. Those are looked for here: each section has a check of its own.
 *
 * @param longestText the greatest number of characters that a text may have
 */
record TokenizerJson(Path file, Map<String, @Nullable Object> content, long longestText) {
  private static final List<String> SECTIONS = List.of("version", "added_tokens", "normalizer",
      "pre_tokenizer",
      "post_processor", "decoder", "model");

  /**
   * Reads and checks a file.
   *
   * @throws GraftException if the native library would not withstand the file; the message names the place
   */
  static TokenizerJson read(Path file) {
    Map<String, @Nullable Object> content = Json.readObject(file);
    NativeJson.require(content, file);
    JsonPart all = new JsonPart(file, "", content);
    RegexLimits limits = new RegexLimits();
    Growth growth = new Growth();
    NormalizerCheck normalizer = new NormalizerCheck(growth, limits);
    normalizer.check(all.part("normalizer"));
    new PreTokenizerCheck(growth, limits).check(all.part("pre_tokenizer"));
    new PostProcessorCheck().check(all.part("post_processor"));
    new DecoderCheck(limits).check(all.part("decoder"));
    ModelCheck.check(all.part("model"));
    new AddedTokensCheck(normalizer.erasure()).check(all.part("added_tokens"));
    return new TokenizerJson(file, content, limits.longestText() / growth.factor());
  }

  /**
   * Returns what the native library is to read: what was checked, and nothing else. Truncation and padding are
   * left out, whatever the file asks for, since lengths are the business of whoever makes the batches.
   */
  byte[] forNativeLibrary() {
    Map<String, @Nullable Object> sections = new LinkedHashMap<>();
    for (String section : SECTIONS) {
      if (content.containsKey(section)) {
        sections.put(section, content.get(section));
      }
    }
    return JsonMapper.shared().writeValueAsBytes(sections);
  }
}
