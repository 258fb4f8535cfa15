package dev.graft.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StandInsTests {
  private static final String LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:"
      + "4d7a".repeat(16)
      + "\nsize 12345\n";

  @TempDir
  Path folder;

  private Path write(String name, String text, Charset charset) throws IOException {
    return Files.write(folder.resolve(name), text.getBytes(charset));
  }

  private Path write(String name, String text) throws IOException {
    return write(name, text, StandardCharsets.UTF_8);
  }

  @Test
  void aPointerOfGitLfsIsNamedWhateverItStandsFor() throws IOException {
    Path weights = write("model.safetensors", LFS);
    Path config = write("config.json", LFS);
    Path template = write("chat_template.jinja", LFS);

    assertThatThrownBy(() -> SafetensorsFile.open(weights)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll(weights.toString(), "git LFS", "git lfs pull");
    assertThatThrownBy(() -> Json.readObject(config)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll(config.toString(), "git LFS", "git lfs pull");
    assertThatThrownBy(() -> StandIns.refuse(template)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll(template.toString(), "git LFS");
  }

  @ParameterizedTest
  @ValueSource(strings = {"<!DOCTYPE html><html>", "\n  <html lang=\"en\">", "\uFEFF<!doctype HTML>"})
  void aWebPageIsNamed(String page) throws IOException {
    Path weights = write("model.safetensors", page);
    Path config = write("config.json", page);

    assertThatThrownBy(() -> SafetensorsFile.open(weights)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll(weights.toString(), "web page", "download");
    assertThatThrownBy(() -> Json.readObject(config)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll(config.toString(), "web page", "download");
  }

  @Test
  void marksOfOtherEncodingsAreNamed() throws IOException {
    Path marked = write("config.json", "\uFEFF{}");
    Path wide = write("adapter_config.json", "\uFEFF{}", StandardCharsets.UTF_16LE);

    assertThatThrownBy(() -> Json.readObject(marked)).hasMessageContainingAll(marked.toString(),
        "byte order mark");
    assertThatThrownBy(() -> Json.readObject(wide)).hasMessageContainingAll(wide.toString(), "UTF-16");
  }

  @Test
  void theTextOfAnErrorIsShown() throws IOException {
    Path weights = write("adapter_model.safetensors", "Access to model x/y is restricted. Log in.\n");

    assertThatThrownBy(() -> SafetensorsFile.open(weights)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll(weights.toString(), "Access to model x/y is restricted",
            "Download it again");
  }

  @Test
  void archivesAreNamed() throws IOException {
    ByteArrayOutputStream zip = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(zip)) {
      out.putNextEntry(new ZipEntry("archive/data.pkl"));
      out.write(1);
    }
    Path zipped = Files.write(folder.resolve("model.safetensors"), zip.toByteArray());
    ByteArrayOutputStream gzip = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(gzip)) {
      out.write(new byte[100]);
    }
    Path gzipped = Files.write(folder.resolve("other.safetensors"), gzip.toByteArray());

    assertThatThrownBy(() -> SafetensorsFile.open(zipped)).hasMessageContainingAll("zip archive",
        "torch.save");
    assertThatThrownBy(() -> SafetensorsFile.open(gzipped)).hasMessageContainingAll("gzip", "unpack");
  }

  @Test
  void ordinaryAndMissingFilesPass() throws IOException {
    StandIns.refuse(write("a.txt", "version 2 of nothing"));
    StandIns.refuse(folder.resolve("missing"));
    assertThat(Json.readObject(write("b.json", "{\"a\": \"<html>\"}"))).containsKey("a");
  }
}
