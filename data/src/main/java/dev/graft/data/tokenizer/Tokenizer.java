package dev.graft.data.tokenizer;

import dev.graft.error.GraftException;
import dev.graft.template.ChatTemplate;
import dev.graft.template.Message;
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

  private final Path file;
  private final long longestText;
  private final NativeTokenizer tokenizer;
  private final LongText longText;
  private final ModelRows modelRows;
  private final Vocabulary vocabulary;
  private final AddedTokens added;
  private final Set<Long> addedIds;
  private final SpecialTokens special;
  private final Optional<ChatTemplate> template;
  private final Optional<String> turnEnd;
  private final Set<Long> stopIds;

  private Tokenizer(TokenizerFiles files, TokenizerJson json, NativeTokenizer tokenizer) {
    Map<String, @Nullable Object> configuration = files.optional("tokenizer_config.json");
    this.file = json.file();
    this.longestText = json.longestText();
    this.tokenizer = tokenizer;
    this.longText = LongText.of(tokenizer, json.file());
    this.modelRows = files.modelRows();
    this.added = AddedTokens.of(json.content());
    this.addedIds = Set.copyOf(added.ids().values());
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
    return open(TokenizerFiles.of(modelFolder));
  }

  /**
   * Opens the tokenizer of a model with an adapter. Where the model has no chat template, and the adapter's
   * folder has one, then what that folder has of the tokenizer's files counts more than the model's: other
   * trainers save them beside the adapter.
   *
   * @throws GraftException if a file is missing, cannot be read or is not what it should be
   */
  public static Tokenizer open(Path modelFolder, Path adapterFolder) {
    return open(TokenizerFiles.of(modelFolder, adapterFolder));
  }

  private static Tokenizer open(TokenizerFiles files) {
    TokenizerJson json = TokenizerJson.read(files.tokenizer());
    NativeTokenizer tokenizer;
    try {
      tokenizer = NativeTokenizer.of(json.forNativeLibrary());
    } catch (GraftException e) {
      throw e;
    } catch (RuntimeException e) {
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
   * @throws GraftException if the tokenizer has no token for a part of the text, the model has no embedding for
   *   a token of it, the text is so long that the patterns of {@code tokenizer.json} could take too much time,
   *   or the thread is interrupted amid a long text
   */
  public long[] encode(String text, boolean addSpecialTokens) {
    String clean = encodable(text);
    try {
      return known(longText.ids(clean, addSpecialTokens));
    } catch (GraftException e) {
      throw e;
    } catch (RuntimeException e) {
      throw unencodable(e);
    }
  }

  /**
   * Returns the ids of a text, without adding special tokens, and where each token stands.
   *
   * @throws GraftException as {@link #encode} does, and if a token has no place
   */
  public TokenizedText encodeWithPlaces(String text) {
    String clean = encodable(text);
    try {
      TokenizedText tokens = longText.tokens(clean);
      known(tokens.ids());
      return tokens;
    } catch (GraftException e) {
      throw e;
    } catch (RuntimeException e) {
      throw unencodable(e);
    }
  }

  private String encodable(String text) {
    if (text.length() > longestText) {
      throw new GraftException("A text has " + text.length() + " characters, and by the patterns of " + file
          + " it may have " + longestText + "; split it");
    }
    return wellFormed(text);
  }

  private GraftException unencodable(RuntimeException e) {
    return new GraftException(file + " cannot encode a text: " + e.getMessage(), e);
  }

  /** Requires that the model can read the ids, and passes them on. */
  private long[] known(long[] ids) {
    for (long id : ids) {
      if (!modelRows.hold(id)) {
        throw modelRows.fault(file, vocabulary.token(id), id);
      }
    }
    return ids;
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

  /**
   * Tells whether a token is found in a text as it stands, before the text is split into words, as marks such
   * as {@code <|im_end|>} are.
   */
  public boolean isAdded(long id) {
    return addedIds.contains(id);
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

  /** Tells whether a folder has a chat template, be it a model's or an adapter's. */
  public static boolean hasChatTemplate(Path folder) {
    return TokenizerFiles.of(folder).hasTemplate();
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
