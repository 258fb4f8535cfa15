package dev.graft.data.tokenizer;

import dev.graft.data.Fixtures;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.template.Message;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.databind.json.JsonMapper;

/**
 * Changes the files of tokenizers at random, opens them and uses them. Native code reads them, which ends the
 * process where it fails, so that this is a program of its own. It tells what it is about to do.
 */
final class TokenizerFuzzProcess {
  static final String DONE = "all refused or read";
  static final int MUTATIONS = 5_000;
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final List<String> FILES = List.of("tokenizer.json", "tokenizer_config.json",
      "chat_template.jinja");
  private static final List<String> TEXTS = List.of("", " ", "Hello, how are you?",
      "a  b   <s> é 日本語 😀  </s>\n\n", "a".repeat(60) + "!", "\u0301\u0301 \u0000\u0001", "QQ  <mask> l l");
  private static final List<Message> CHAT = List.of(new Message("user", "Hello"),
      new Message("assistant", "Hi."));
  private static final List<String> SIGNS = List.of("-1", "0", "null", "true", "[]", "{}", "\"\"", "1e999",
      "4294967296", "99999999999999999999", "\"\\ud800\"", "[[", "{{", "{%", "%}", "}}", "\"type\":\"BPE\",",
      "\uFEFF",
      "\0");
  private static final List<String> HOSTILE_TEMPLATES = List.of("{% for x in range(10**12) %}a{% endfor %}",
      "{{ range(99999999999) | list }}", "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}",
      "{% macro m(x) %}{{ m(x) ~ m(x) }}{% endmacro %}{{ m(1) }}", "{{ 'a' * 10**10 }}", "{{ 9**9**9**9 }}",
      "{{ " + "(".repeat(20_000) + "1" + ")".repeat(20_000) + " }}", "{% if a %}".repeat(20_000),
      "{{ " + "not ".repeat(50_000) + "a }}", "{{ " + "-".repeat(50_000) + "1 }}",
      "{{ a" + ".b".repeat(50_000) + " }}",
      "{{ 1" + " + 1".repeat(50_000) + " }}", "{{ a" + " if a else a".repeat(20_000) + " }}",
      "{{ 'a'" + "|upper".repeat(50_000) + " }}",
      "{% set x = [] %}{% for i in range(99) %}{% set x = x + [x] %}{{ x }}"
          + "{% endfor %}",
      "{% set ns = namespace(x=[]) %}{% for i in range(10**6) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
      "{{ messages | map('upper') | list }}", "{{ messages | tojson(indent=99999999) }}",
      "{{ '%*d' % (10**9, 1) }}",
      "{% raw %}", "{# ", "{{ raise_exception('no') }}", "{% generation %}", "{{ loop.index }}",
      "{% break %}");

  private final Path folder;
  private final Random random;
  private final AtomicLong count = new AtomicLong();

  private TokenizerFuzzProcess(Path folder, long seed) {
    this.folder = folder;
    this.random = new Random(seed);
  }

  /** Takes a folder to work in, which holds folders of tokenizers, and a seed. */
  public static void main(String[] args) throws IOException {
    TokenizerFuzzProcess process = new TokenizerFuzzProcess(Path.of(args[0]), Long.parseLong(args[1]));
    Thread.ofPlatform().daemon().start(process::watch);
    process.mutate();
  }

  /**
   * Native code cannot be interrupted, so that a mutation that takes too long ends the process. What counts is
   * the time that the process works, for the machine may have other work; only a process that waits for
   * something is measured by the clock.
   */
  private void watch() {
    long watched = -1;
    Duration worked = worked();
    long since = System.nanoTime();
    try {
      while (worked().minus(worked).compareTo(PATIENCE) < 0
          && System.nanoTime() - since < PATIENCE.multipliedBy(10).toNanos()) {
        Thread.sleep(200);
        if (watched != count.get()) {
          watched = count.get();
          worked = worked();
          since = System.nanoTime();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    System.out.println("hangs");
    Thread.getAllStackTraces().forEach((thread, stack) -> System.out.println(thread + " " + List.of(stack)));
    Runtime.getRuntime().halt(3);
  }

  private static Duration worked() {
    return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
  }

  private void mutate() throws IOException {
    List<Path> models;
    try (var listed = Files.list(folder.resolve("sound"))) {
      models = listed.sorted().toList();
    }
    Path changed = Files.createDirectories(folder.resolve("changed"));
    long refused = 0;
    for (int i = 0; i < MUTATIONS; i++) {
      Path model = models.get(random.nextInt(models.size()));
      // This one's file is larger by far.
      if (model.endsWith("base") && random.nextInt(10) > 0) {
        model = models.getLast();
      }
      for (String file : FILES) {
        write(changed.resolve(file), Files.readAllBytes(model.resolve(file)));
      }
      String what = mutate(changed.resolve(file()));
      System.out.println(i + ": " + model.getFileName() + " " + what);
      count.set(i);
      refused += use(changed) ? 0 : 1;
    }
    // Where nearly all were refused, the native library would hardly have been called.
    if (refused > MUTATIONS * 9L / 10) {
      throw new IllegalStateException(refused + " of " + MUTATIONS + " were refused");
    }
    System.out.println(DONE);
  }

  /** Some file systems write a file to the disk at once when it is overwritten, but not when it is new. */
  private static void write(Path file, byte[] bytes) throws IOException {
    Files.deleteIfExists(file);
    Files.write(file, bytes, StandardOpenOption.CREATE_NEW);
  }

  private String file() {
    int choice = random.nextInt(8);
    return FILES.get(choice < 6 ? 0 : choice - 5);
  }

  private String mutate(Path file) throws IOException {
    byte[] sound = Files.readAllBytes(file);
    if (file.endsWith("chat_template.jinja")) {
      if (random.nextInt(4) == 0) {
        String template = HOSTILE_TEMPLATES.get(random.nextInt(HOSTILE_TEMPLATES.size()));
        write(file, template.getBytes(StandardCharsets.UTF_8));
        return "template " + template.substring(0, Math.min(60, template.length()));
      }
    } else if (random.nextInt(4) > 0) {
      return mutateJson(file);
    }
    int at = random.nextInt(random.nextBoolean() ? sound.length : Math.min(sound.length, 1_500));
    String text = new String(sound, StandardCharsets.ISO_8859_1);
    int to = Math.min(text.length(), at + random.nextInt(8));
    String other = switch (random.nextInt(4)) {
      case 0 -> String.valueOf((char) (text.charAt(at) ^ (1 << random.nextInt(8))));
      case 1 -> "";
      default -> new String(SIGNS.get(random.nextInt(SIGNS.size())).getBytes(StandardCharsets.UTF_8),
          StandardCharsets.ISO_8859_1);
    };
    boolean cut = random.nextInt(12) == 0;
    String changed = text.substring(0, at) + (cut ? "" : other + text.substring(to));
    write(file, changed.getBytes(StandardCharsets.ISO_8859_1));
    return file.getFileName() + " bytes at " + at;
  }

  private String mutateJson(Path file) throws IOException {
    Object value = Json.readObject(file);
    StringBuilder told = new StringBuilder(String.valueOf(file.getFileName()));
    for (int i = random.nextInt(3); i >= 0; i--) {
      JsonMutation mutation = new JsonMutation(random, value);
      value = Objects.requireNonNullElse(mutation.apply(), Map.of());
      told.append(' ').append(mutation.told());
    }
    write(file, JsonMapper.shared().writeValueAsBytes(value));
    return told.toString().replace('\n', ' ');
  }

  private static boolean use(Path changed) {
    try (Tokenizer tokenizer = Tokenizer.open(changed)) {
      boolean all = true;
      for (String text : TEXTS) {
        all &= use(changed, () -> {
          long[] ids = tokenizer.encode(text, true);
          tokenizer.decode(ids, true);
          tokenizer.decode(ids, false);
        });
        all &= use(changed, () -> {
          TokenStream stream = tokenizer.stream();
          for (long id : tokenizer.encodeWithPlaces(text).ids()) {
            stream.add(id);
          }
          stream.finish();
        });
      }
      tokenizer.decode(new long[]{-1, 0, 1, 300, 1L << 32, Long.MAX_VALUE}, false);
      tokenizer.decode(new long[0], true);
      for (long id = 0; id < 100; id++) {
        tokenizer.decode(new long[]{id}, false);
      }
      return all & use(changed, () -> tokenizer.chatTemplate()
          .ifPresent(template -> template.render(CHAT, true, tokenizer.templateVariables())));
    } catch (GraftException e) {
      requirePlace(changed, e);
      return false;
    }
  }

  private static boolean use(Path changed, Runnable action) {
    try {
      action.run();
      return true;
    } catch (GraftException e) {
      requirePlace(changed, e);
      return false;
    }
  }

  private static void requirePlace(Path changed, GraftException e) {
    if (!String.valueOf(e.getMessage()).contains(changed.toString())) {
      throw new IllegalStateException("names no file: " + e.getMessage(), e);
    }
  }

  /** Lays the sound files out for the process. */
  static void prepare(Path folder) throws IOException {
    for (String model : List.of("base", "gpt2", "llama")) {
      Path sound = Files.createDirectories(folder.resolve("sound").resolve(model));
      for (String file : FILES) {
        Path source = Fixtures.path("models/" + model).resolve(file);
        Files.write(sound.resolve(file), Files.exists(source) ? Files.readAllBytes(source) : template());
      }
    }
    for (Map.Entry<String, String> family : TokenizerFamilies.all().entrySet()) {
      Path sound = Files.createDirectories(folder.resolve("sound").resolve(family.getKey()));
      Files.writeString(sound.resolve("tokenizer.json"), family.getValue());
      for (String file : FILES.subList(1, 3)) {
        Files.write(sound.resolve(file), Files.readAllBytes(Fixtures.path("models/llama").resolve(file)));
      }
    }
  }

  private static byte[] template() throws IOException {
    return Files.readAllBytes(Fixtures.path("models/llama").resolve("chat_template.jinja"));
  }
}
