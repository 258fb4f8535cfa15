package dev.graft.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class PlainFileTests {
  @TempDir
  Path folder;

  private Path pipe() throws IOException, InterruptedException {
    Path pipe = folder.resolve("pipe");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    return pipe;
  }

  @Test
  void whatIsNoPlainFileIsRefusedByItsKindByAllWhoRead() throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("nowhere"));
    for (var refused : new Object[][]{{folder, "is a folder"}, {pipe(), "is a pipe, and only plain files"},
      {Path.of("/dev/zero"), "is a device, and only plain files"},
      {link, "is a link to a file that does not exist: nowhere"}}) {
      Path file = (Path) refused[0];
      String message = file + " " + refused[1];
      assertThatThrownBy(() -> PlainFile.exists(file)).isInstanceOf(GraftException.class)
          .hasMessageStartingWith(message);
      assertThatThrownBy(() -> PlainFile.open(file, "It, " + file + ",")).isInstanceOf(GraftException.class)
          .hasMessageStartingWith("It, " + file + ", " + refused[1]);
      assertThatThrownBy(() -> Json.readObject(file)).isInstanceOf(GraftException.class)
          .hasMessageStartingWith(message);
      assertThatThrownBy(() -> TextFile.read(file, file.toString(), 10)).isInstanceOf(GraftException.class)
          .hasMessageStartingWith(message);
    }
  }

  @Test
  void linksToFilesAreFollowedAndAbsentFilesAreAbsent() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "{}");
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    assertThat(PlainFile.exists(link)).isTrue();
    assertThat(Json.readObject(link)).isEmpty();
    Path none = folder.resolve("none");
    assertThat(PlainFile.exists(none)).isFalse();
    assertThatThrownBy(() -> Json.readObject(none)).isInstanceOf(GraftException.class)
        .hasMessage(none + " does not exist");
  }

  @Test
  void textIsReadWithoutItsMarkAndWithinItsBound() throws IOException {
    Path file = Files.writeString(folder.resolve("text"), "\ufeffé\r\n");
    assertThat(TextFile.read(file, "It", 7)).isEqualTo("é\r\n");
    assertThatThrownBy(() -> TextFile.read(file, "It", 6)).isInstanceOf(GraftException.class)
        .hasMessageContaining("It is longer than 6 bytes");
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-16", "UTF-16LE", "UTF-16BE", "ISO-8859-1"})
  void otherCharacterSetsAreRefusedByLine(String charset) throws IOException {
    Path file = folder.resolve("text");
    Files.write(file, "a\nLütt".getBytes(Charset.forName(charset)));
    if (charset.equals("UTF-16")) {
      assertThatThrownBy(() -> TextFile.read(file, "It", 100)).isInstanceOf(GraftException.class)
          .hasMessage("It, line 1, is not text in UTF-8 but in UTF-16; convert it to UTF-8");
    } else {
      assertThatThrownBy(() -> TextFile.read(file, "It", 100)).isInstanceOf(GraftException.class)
          .hasMessage("It, line 2, is not text in UTF-8; convert it to UTF-8");
    }
    Files.write(file, "a\nLütt".getBytes(StandardCharsets.UTF_8));
    assertThat(TextFile.read(file, "It", 100)).isEqualTo("a\nLütt");
  }
}
