package dev.graft.data.tokenizer;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import dev.graft.error.GraftException;
import dev.graft.template.ChatTemplate;
import dev.graft.template.Message;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Turns text into token ids and back, as the Hugging Face library does, by the files in a model's folder.
 *
 * <p>
 * One tokenizer may be used by several threads. Nothing is downloaded.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Tokenizer implements AutoCloseable {
  /** A text that stands in no template, and that no template trims. */
  private static final String PROBE = "graft-turn-probe";
  private static final long MAX_IDS = 1L << Integer.SIZE;
  private static final Map<String, String> UNCUT = Map.of("truncation", "false", "padding", "false");

  private final Path file;
  private final long longestText;
  private final HuggingFaceTokenizer tokenizer;
  private final Vocabulary vocabulary;
  private final AddedTokens added;
  private final SpecialTokens special;
  private final Optional<ChatTemplate> template;
  private final Optional<String> turnEnd;
  private final Set<Long> stopIds;

  private Tokenizer(TokenizerFiles files, TokenizerJson json, HuggingFaceTokenizer tokenizer) {
    Map<String, @Nullable Object> configuration = files.optional("tokenizer_config.json");
    this.file = json.file();
    this.longestText = json.longestText();
    this.tokenizer = tokenizer;
    this.added = AddedTokens.of(json.content());
    this.vocabulary = Vocabulary.of(json.content(), added);
    this.special = SpecialTokens.of(configuration, files.optional("special_tokens_map.json"));
    this.template = files.chatTemplate(configuration);
    this.turnEnd = template.flatMap(this::findTurnEnd);
    this.stopIds = findStopIds(files);
  }

  /**
   * Opens the tokenizer of a model: {@code tokenizer.json}, and what there is of
   * {@code tokenizer_config.json}, {@code special_tokens_map.json}, {@code generation_config.json},
   * {@code config.json} and {@code chat_template.jinja}.
   *
   * @throws GraftException if a file is missing, cannot be read or is not what it should be
   */
  public static Tokenizer open(Path modelFolder) {
    TokenizerFiles files = new TokenizerFiles(modelFolder);
    TokenizerJson json = TokenizerJson.read(files.tokenizer());
    HuggingFaceTokenizer tokenizer;
    try {
      tokenizer = HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json.forNativeLibrary()), UNCUT);
    } catch (IOException | RuntimeException e) {
      throw new GraftException(json.file() + " is not a tokenizer that can be read: " + e.getMessage(), e);
    }
    try {
      return new Tokenizer(files, json, tokenizer);
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  /**
   * Returns the ids of a text. Special tokens are recognised in it wherever they stand.
   *
   * @param addSpecialTokens whether those that begin or end every text are added, as {@code tokenizer.json}
   *   says
   * @throws GraftException if the tokenizer has no token for a part of the text, or the text is so long that
   *   the patterns of {@code tokenizer.json} could take too much time
   */
  public long[] encode(String text, boolean addSpecialTokens) {
    return encoding(wellFormed(text), addSpecialTokens).getIds();
  }

  /**
   * Returns the ids of a text, without adding special tokens, and where each token stands.
   *
   * @throws GraftException as {@link #encode} does, and if a token has no place
   */
  public TokenizedText encodeWithPlaces(String text) {
    String clean = wellFormed(text);
    Encoding encoding = encoding(clean, false);
    @Nullable
    CharSpan[] spans = encoding.getCharTokenSpans();
    int[] starts = new int[spans.length];
    int[] ends = new int[spans.length];
    int[] places = places(clean);
    for (int i = 0; i < spans.length; i++) {
      CharSpan span = spans[i];
      if (span == null || span.getStart() >= places.length || span.getEnd() >= places.length) {
        throw new GraftException(
            file + ": by its normalizer or model, token " + i + " has no place in a text of "
                + clean.length() + " characters. Copy the file again from where the model comes from");
      }
      starts[i] = places[span.getStart()];
      ends[i] = places[span.getEnd()];
    }
    return new TokenizedText(encoding.getIds(), starts, ends);
  }

  private Encoding encoding(String text, boolean addSpecialTokens) {
    if (text.length() > longestText) {
      throw new GraftException("A text has " + text.length() + " characters, and by the patterns of " + file
          + " it may have " + longestText + "; split it");
    }
    try {
      return tokenizer.encode(text, addSpecialTokens, false);
    } catch (RuntimeException e) {
      throw new GraftException(file + " cannot encode a text: " + e.getMessage(), e);
    }
  }

  /** Returns the index of every code point, since the native library counts those. */
  private static int[] places(String text) {
    int count = text.codePointCount(0, text.length());
    int[] places = new int[count + 1];
    for (int i = 0; i < count; i++) {
      places[i + 1] = places[i] + Character.charCount(text.codePointAt(places[i]));
    }
    return places;
  }

  /** Replaces halves of surrogate pairs, which stand for no character and have no form in UTF-8. */
  private static String wellFormed(String text) {
    if (text.codePoints().noneMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
      return text;
    }
    StringBuilder clean = new StringBuilder();
    text.codePoints()
        .forEach(c -> clean
            .appendCodePoint(c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c));
    return clean.toString();
  }

  /** Returns the text of ids, with or without special tokens. Ids that do not exist are left out. */
  public String decode(long[] ids, boolean skipSpecialTokens) {
    // The native library would cut off the upper half of an id.
    long[] possible = Arrays.stream(ids).filter(id -> id >= 0 && id < MAX_IDS).toArray();
    return tokenizer.decode(possible, skipSpecialTokens);
  }

  /** Returns the id of a token as the vocabulary spells it; special tokens are spelled as in text. */
  public OptionalLong id(String token) {
    return vocabulary.id(token);
  }

  /** Returns the model's chat template. */
  public Optional<ChatTemplate> chatTemplate() {
    return template;
  }

  /** Returns what chat templates may ask for: {@code bos_token}, {@code eos_token} and the like. */
  public Map<String, Object> templateVariables() {
    return Collections.unmodifiableMap(special.byRole());
  }

  /**
   * Returns the token that the chat template puts after what the assistant says, such as {@code <|im_end|>};
   * empty if there is no template or no such token.
   */
  public Optional<String> turnEnd() {
    return turnEnd;
  }

  /** Returns the token that ends a text. */
  public Optional<String> endOfText() {
    return special.token("eos_token");
  }

  /**
   * Returns the ids at which generation stops: the end of text by {@code tokenizer_config.json},
   * {@code generation_config.json} and {@code config.json}, and the end of the assistant's turn.
   */
  public Set<Long> stopIds() {
    return stopIds;
  }

  /** Returns the id that fills rows up: the padding token, else the end of text, else 0. */
  public long paddingId() {
    return special.token("pad_token")
        .or(() -> special.token("eos_token"))
        .map(this::id)
        .orElse(OptionalLong.empty())
        .orElseGet(() -> stopIds.stream().findFirst().orElse(0L));
  }

  /** Starts to decode tokens one by one. */
  public TokenStream stream() {
    return new TokenStream(this);
  }

  @Override
  public void close() {
    tokenizer.close();
  }

  private Optional<String> findTurnEnd(ChatTemplate chat) {
    List<Message> messages = List.of(new Message("user", "Hello"), new Message("assistant", PROBE));
    String text;
    try {
      text = chat.render(messages, false, templateVariables());
    } catch (GraftException e) {
      // Some templates take other roles only; then nothing is known of turns, and the end of text serves.
      return Optional.empty();
    }
    int at = text.lastIndexOf(PROBE);
    return at < 0 ? Optional.empty() : added.leading(text.substring(at + PROBE.length()));
  }

  private Set<Long> findStopIds(TokenizerFiles files) {
    Set<Long> ids = new LinkedHashSet<>();
    special.token("eos_token").ifPresent(token -> id(token).ifPresent(ids::add));
    ids.addAll(files.configuredStops());
    turnEnd.ifPresent(token -> id(token).ifPresent(ids::add));
    return Collections.unmodifiableSet(ids);
  }
}
