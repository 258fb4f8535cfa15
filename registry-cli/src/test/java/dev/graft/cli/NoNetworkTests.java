package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.util.Ec2Utils;
import dev.graft.core.PluginCatalog;
import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.io.IOException;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Uses Graft as a program does that knows nothing of DJL, in a process of its own without the variables by which
 * the start script and the build keep DJL quiet. There, whatever would open a connection is told, and fails: the
 * handlers of URLs are the test's, and so is what every socket asks for its proxy.
 */
class NoNetworkTests {
  private static final String TOLD = "asks for a connection to ";

  @TempDir
  Path folder;

  /** Does what the first argument names. */
  static final class Child {
    private Child() {
    }

    /** Refuses every connection of a URL that goes over the network, by way of a proxy or not. */
    private static final class Handler extends URLStreamHandler {
      @Override
      protected URLConnection openConnection(URL url) throws IOException {
        System.out.println(TOLD + url);
        throw new IOException("refused by the test");
      }

      @Override
      protected URLConnection openConnection(URL url, Proxy proxy) throws IOException {
        return openConnection(url);
      }
    }

    /** Refuses every socket that does not say itself which proxy it takes. */
    private static final class Selector extends ProxySelector {
      @Override
      public List<Proxy> select(URI uri) {
        System.out.println(TOLD + uri);
        throw new IllegalStateException("refused by the test");
      }

      @Override
      public void connectFailed(URI uri, SocketAddress address, IOException e) {
      }
    }

    public static void main(String[] args) {
      URL.setURLStreamHandlerFactory(protocol -> protocol.startsWith("http") ? new Handler() : null);
      ProxySelector.setDefault(new Selector());
      switch (args[0]) {
        case "tokenizer" -> {
          for (int i = 0; i < 2; i++) {
            try (Tokenizer tokenizer = Tokenizer.open(Path.of(args[1]))) {
              System.out.println("did encode " + tokenizer.encode("Hello", true).length);
            }
          }
        }
        case "backend" -> {
          try (Session session = PluginCatalog.discover(Child.class.getClassLoader()).backend("djl")
              .open(new SessionOptions(1))) {
            System.out.println("did open " + session);
          }
        }
        case "command" ->
          System.exit(Graft.run(Streams.ofProcess(), "generate", "--model", args[1], "--backend",
              "djl", "--prompt", "did answer", "--raw", "--max-new-tokens", "1"));
        case "djl" -> {
          Ec2Utils.callHome("test");
          System.out.println("did call");
        }
        default -> throw new IllegalArgumentException(args[0]);
      }
    }
  }

  private String output(Map<String, String> environment, String what) throws Exception {
    Path output = folder.resolve("output");
    ProcessBuilder builder = new ProcessBuilder(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
        System.getProperty("java.class.path"), "-Dguice_bytecode_gen_option=DISABLED", Child.class.getName(),
        what, TinyModel.folder().toString()).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().keySet().removeAll(List.of("OPT_OUT_TRACKING", "DJL_OFFLINE"));
    builder.environment().putAll(environment);
    builder.start().waitFor();
    return Files.readString(output);
  }

  private String silentOutput(Map<String, String> environment, String what) throws Exception {
    String output = output(environment, what);
    assertThat(output).doesNotContain(TOLD);
    return output;
  }

  @Test
  void aTokenizerOpensNoConnection() throws Exception {
    assertThat(silentOutput(Map.of(), "tokenizer")).contains("did encode");
  }

  @Test
  void aSessionOfPytorchOpensNoConnection() throws Exception {
    assertThat(silentOutput(Map.of(), "backend")).contains("did open");
  }

  @Test
  void theCommandOpensNoConnection() throws Exception {
    assertThat(silentOutput(Map.of("OPT_OUT_TRACKING", "false"), "command")).doesNotContain("graft:");
  }

  @Test
  void anEnvironmentThatAsksForConnectionsIsRefused() throws Exception {
    Map<String, String> online = Map.of("DJL_OFFLINE", "false");
    assertThat(silentOutput(online, "tokenizer")).contains("variable DJL_OFFLINE is \"false\"");
    assertThat(silentOutput(online, "backend")).contains("variable DJL_OFFLINE is \"false\"");
  }

  /** Shows that the other tests would notice. */
  @Test
  void djlByItselfWouldOpenOne() throws Exception {
    assertThat(output(Map.of(), "djl")).contains(TOLD + "http://").contains("did call");
  }
}
