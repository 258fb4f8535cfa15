package dev.graft.data.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.data.Fixtures;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TokenStreamTests {
  @Test
  void thePiecesAreTheWholeText() {
    try (Tokenizer tokenizer = Tokenizer.open(Fixtures.path("models/base"))) {
      assertThat(Fixtures.lines("tokenizer-vectors.jsonl")).allSatisfy(row -> {
        long[] ids = Fixtures.ids(row.get("ids"));
        String whole = tokenizer.decode(ids, true);
        TokenStream stream = tokenizer.stream();
        StringBuilder text = new StringBuilder();
        for (long id : ids) {
          text.append(stream.add(id));
          assertThat(whole).startsWith(text.toString());
        }
        assertThat(text.append(stream.finish())).hasToString(whole);
      });
    }
  }

  @Test
  void aCharacterAppearsWithItsLastByte() {
    try (Tokenizer tokenizer = Tokenizer.open(Fixtures.path("models/base"))) {
      TokenStream stream = tokenizer.stream();
      List<String> pieces = new ArrayList<>();
      for (long id : tokenizer.encode("a😀", false)) {
        pieces.add(stream.add(id));
      }
      assertThat(pieces).containsExactly("a", "", "", "", "😀");
      assertThat(stream.finish()).isEmpty();
    }
  }

  @Test
  void bytesWithoutAnEndAreShownAsReplaced() {
    try (Tokenizer tokenizer = Tokenizer.open(Fixtures.path("models/base"))) {
      TokenStream stream = tokenizer.stream();
      long[] smile = tokenizer.encode("😀", false);
      assertThat(stream.add(smile[0]) + stream.add(smile[1])).isEmpty();
      assertThat(stream.finish()).isEqualTo("\uFFFD");
    }
  }

  @Test
  void endlessBrokenBytesAreNotHeldForEver() {
    try (Tokenizer tokenizer = Tokenizer.open(Fixtures.path("models/base"))) {
      TokenStream stream = tokenizer.stream();
      long first = tokenizer.encode("😀", false)[0];
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < 100; i++) {
        text.append(stream.add(first));
      }
      assertThat(text.length()).isBetween(80, 100);
    }
  }
}
