package dev.graft.data.text;

import dev.graft.data.dataset.DataFormat;
import dev.graft.data.dataset.DataSet;
import dev.graft.data.dataset.EncodedSample;
import dev.graft.data.dataset.EncodingNotes;
import dev.graft.data.dataset.SampleEncoder;
import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.spi.TextCodec;
import dev.graft.spi.TokenSample;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/** A tokenizer with its chat template, if it has one. */
final class HuggingFaceTextCodec implements TextCodec {
  private final Tokenizer tokenizer;

  HuggingFaceTextCodec(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  @Override
  public long[] ids(String text) {
    return tokenizer.encode(text, true);
  }

  @Override
  public long[] prompt(String message) {
    return new SampleEncoder(tokenizer, Integer.MAX_VALUE, true).prompt(message);
  }

  @Override
  public String decode(long[] ids) {
    return tokenizer.decode(ids, true);
  }

  @Override
  public Set<Long> stopIds() {
    return tokenizer.stopIds();
  }

  @Override
  public long paddingId() {
    return tokenizer.paddingId();
  }

  @Override
  public List<? extends TokenSample> samples(List<Path> files, int maxLength, Consumer<String> notes) {
    SampleEncoder encoder = new SampleEncoder(tokenizer, maxLength, true);
    List<EncodedSample> all = new ArrayList<>();
    for (Path file : files) {
      List<EncodedSample> samples = encoder.encodeAll(DataSet.read(file, DataFormat.AUTO));
      EncodingNotes.sentences(file.toString(), samples).forEach(notes);
      all.addAll(samples);
    }
    return all;
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
