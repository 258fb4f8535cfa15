package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuantizeCommandTests {
  private static final Path MODELS = Path.of("..", "integration-tests", "src", "test", "resources", "golden",
      "models");

  @TempDir
  Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int quantize(String... more) {
    String[] args = new String[more.length + 3];
    args[0] = "quantize";
    args[1] = MODELS.resolve("llama").toString();
    args[2] = folder.resolve("out").toString();
    System.arraycopy(more, 0, args, 3, more.length);
    return Graft.run(
        new Streams(InputStream.nullInputStream(), new PrintWriter(out), new PrintWriter(err), false),
        args);
  }

  @Test
  void theModelIsWrittenAsBitsandbytesWritesIt() {
    assertThat(quantize("--double-quant")).isZero();
    assertThat(out.toString()).contains("14 weights in nf4", "bits each").doesNotContain("\r");
    assertThat(folder.resolve("out/model.safetensors"))
        .hasSameBinaryContentAs(MODELS.resolve("llama-nf4/model.safetensors"));
  }

  @Test
  void theOtherCodeAndBlockSizeAreSaidInTheConfiguration() throws IOException {
    assertThat(quantize("--code", "fp4", "--block-size", "128")).isZero();
    assertThat(Files.readString(folder.resolve("out/config.json")))
        .contains("\"bnb_4bit_quant_type\": \"fp4\"", "\"bnb_4bit_use_double_quant\": false");
  }

  @Test
  void aSecondRunReplacesOnlyIfAsked() {
    assertThat(quantize()).isZero();
    assertThat(quantize("--double-quant")).isEqualTo(2);
    assertThat(quantize("--double-quant", "--replace")).isZero();
    assertThat(folder.resolve("out/model.safetensors"))
        .hasSameBinaryContentAs(MODELS.resolve("llama-nf4/model.safetensors"));
  }

  @Test
  void faultyOptionsAreTheUsersFault() {
    assertThat(quantize("--block-size", "65")).isEqualTo(2);
    assertThat(quantize("--code", "nf5")).isEqualTo(2);
    assertThat(quantize("--shard-size", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("block_size", "nf5", "shard").doesNotContain("\tat ");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void aProgressLineIsDrawnOnATerminalAndWiped() {
    StringWriter drawn = new StringWriter();
    try (ProgressLine line = new ProgressLine(new PrintWriter(drawn), true)) {
      line.report("model.layers.0.weight", 50, 100);
      assertThat(drawn.toString()).contains("[###############               ]", "50 %",
          "model.layers.0.weight");
    }
    assertThat(drawn.toString()).endsWith("\r");
  }

  @Test
  void elsewhereNothingIsDrawn() {
    StringWriter drawn = new StringWriter();
    try (ProgressLine line = new ProgressLine(new PrintWriter(drawn), false)) {
      line.report("model.layers.0.weight", 50, 100);
    }
    assertThat(drawn.toString()).isEmpty();
  }
}
