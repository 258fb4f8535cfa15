package dev.graft.data.tokenizer;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.graft.error.GraftException;
import dev.graft.spi.Offline;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Calls the Hugging Face library.
 *
 * <p>
 * DJL's own class for that opens network connections to report that it is used, and copies much that nobody
 * here asks for, so that its native methods are called directly.
 */
final class NativeTokenizer implements AutoCloseable {
  private final AtomicLong handle;

  private NativeTokenizer(long handle) {
    this.handle = new AtomicLong(handle);
  }

  /**
   * Creates a tokenizer.
   *
   * @param json content of a {@code tokenizer.json} that {@link TokenizerJson} has checked
   * @throws GraftException if the native library cannot be loaded
   * @throws RuntimeException if the native library refuses the content
   */
  static NativeTokenizer of(byte[] json) {
    loadLibrary();
    return new NativeTokenizer(
        TokenizersLibrary.LIB.createTokenizerFromString(new String(json, StandardCharsets.UTF_8)));
  }

  private static void loadLibrary() {
    Offline.require("DJL_OFFLINE", "ai.djl.offline", "OPT_OUT_TRACKING");
    TokenizersFolder.prepare();
    try {
      LibUtils.checkStatus();
    } catch (EngineException | LinkageError e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new GraftException("The native library of the tokenizers cannot be loaded: " + cause.getMessage()
          + ". It is in the jar ai.djl.huggingface:tokenizers for Linux, macOS and Windows on common processors,"
          + " and is not downloaded", e);
    }
  }

  /**
   * Holds tokens as the library gives them.
   *
   * @param spans where each token stands, counted in code points; null for a token that has no place
   */
  record Tokens(long[] ids, @Nullable CharSpan[] spans) {}

  long[] ids(String text, boolean addSpecialTokens) {
    long encoding = TokenizersLibrary.LIB.encode(open(), text, addSpecialTokens);
    try {
      return TokenizersLibrary.LIB.getTokenIds(encoding);
    } finally {
      TokenizersLibrary.LIB.deleteEncoding(encoding);
    }
  }

  Tokens tokens(String text) {
    long encoding = TokenizersLibrary.LIB.encode(open(), text, false);
    try {
      return new Tokens(TokenizersLibrary.LIB.getTokenIds(encoding),
          TokenizersLibrary.LIB.getTokenCharSpans(encoding));
    } finally {
      TokenizersLibrary.LIB.deleteEncoding(encoding);
    }
  }

  String decode(long[] ids, boolean skipSpecialTokens) {
    return TokenizersLibrary.LIB.decode(open(), ids, skipSpecialTokens);
  }

  private long open() {
    long open = handle.get();
    if (open == 0) {
      throw new IllegalStateException("The tokenizer is closed");
    }
    return open;
  }

  @Override
  public void close() {
    long open = handle.getAndSet(0);
    if (open != 0) {
      TokenizersLibrary.LIB.deleteTokenizer(open);
    }
  }
}
