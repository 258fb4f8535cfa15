package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.formats.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.Function;
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
  void aQuantizerIsGivenOnlyWhatTheUserGave(@TempDir Path work) throws IOException {
    Path jar = new PluginJar(work).add("Plain", "Quantizer", """
        public String id() { return "plain"; }
        public String description() { return "says what it is given"; }
        public Set<String> parts(String weight, Set<String> names) { return Set.of(); }
        public QuantizedTensor read(String weight, Function<String, HostTensor> tensors) {
          throw new UnsupportedOperationException();
        }
        public QuantizedTensor encode(String weight, HostTensor value, Configuration options,
            java.lang.foreign.SegmentAllocator memory) {
          throw new dev.graft.error.GraftException("given " + new TreeMap<>(options.values()));
        }
        public Map<String, Object> modelConfig(Configuration options, DType compute) {
          throw new dev.graft.error.GraftException("given " + new TreeMap<>(options.values()));
        }
        """).pack(work.resolve("plugins/plain.jar"));
    String plugins = "--plugins=" + jar.getParent();
    String model = MODELS.resolve("llama").toString();
    String to = work.resolve("to").toString();
    assertThat(Captured.run(plugins, "quantize", model, to, "--code", "plain").refused())
        .contains("given {}");
    assertThat(
        Captured.run(plugins, "quantize", model, to, "--code", "plain", "--set", "per_row=true", "--set",
            "bits=8", "--block-size", "64").refused())
        .contains("given {bits=8, block_size=64, per_row=true}");
    assertThat(
        Captured.run(plugins, "plan", "--model", model, "--quantize", "plain", "--quantize-set", "bits=8",
            "--double-quant", "--max-length", "8").refused())
        .contains("given {bits=8, double_quant=true}");
    assertThat(Captured.run(plugins, "bench", "--shape", "layers=1,hidden=32,ffn=32,heads=1,vocab=32",
        "--quantize", "plain", "--quantize-set", "bits=8", "--backend", "reference").refused())
        .contains("given {bits=8}");
    assertThat(Captured.run("plan", "--shape", "probe", "--double-quant").refused())
        .contains("--quantize ID");
    assertThat(quantize("--set", "blocksize=64")).isEqualTo(2);
    assertThat(quantize("--set", "block_size=64", "--block-size", "64")).isEqualTo(2);
    assertThat(err.toString()).contains("\"blocksize\" is not known", "give one of them");
  }

  @Test
  void doubleQuantisationIsPlanned() {
    String[] arguments = {"plan", "--model", MODELS.resolve("llama").toString(), "--quantize", "nf4",
      "--batch",
      "1", "--max-length", "8", "--json"};
    String[] nested = Arrays.copyOf(arguments, arguments.length + 1);
    nested[arguments.length] = "--double-quant";
    assertThat(weightBytes(nested)).isLessThan(weightBytes(arguments));
  }

  private static long weightBytes(String... arguments) {
    Object bytes = Json.object(Captured.run(arguments).done().out(), "plan").get("weight_bytes");
    return ((Number) Objects.requireNonNull(bytes)).longValue();
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
