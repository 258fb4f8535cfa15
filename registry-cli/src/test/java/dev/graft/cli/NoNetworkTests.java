package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.util.Ec2Utils;
import dev.graft.core.PluginCatalog;
import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Uses Graft as a program does that knows nothing of DJL, in a process of its own without the variables by which
 * the start script and the build keep DJL quiet. Whoever opens a connection there asks for a proxy, which is
 * recorded, and is sent to a socket that must stay silent.
 */
class NoNetworkTests {
  @TempDir
  Path folder;

  /** Does what the first argument names. */
  static final class Child {
    private Child() {
    }

    public static void main(String[] args) {
      ProxySelector given = ProxySelector.getDefault();
      ProxySelector.setDefault(new ProxySelector() {
        @Override
        public List<Proxy> select(URI uri) {
          System.out.println("asks for a connection to " + uri);
          return given.select(uri);
        }

        @Override
        public void connectFailed(URI uri, SocketAddress address, IOException e) {
        }
      });
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
        case "command" -> System.exit(Graft.run(Streams.ofProcess(), "generate", "--model", args[1], "--backend",
            "djl", "--prompt", "did answer", "--raw", "--max-new-tokens", "1"));
        case "djl" -> {
          Ec2Utils.callHome("test");
          System.out.println("did call");
        }
        default -> throw new IllegalArgumentException(args[0]);
      }
    }
  }

  private String output(boolean silent, Map<String, String> environment, String what) throws Exception {
    try (ServerSocket proxy = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      String port = "" + proxy.getLocalPort();
      List<String> command = new ArrayList<>(
          List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
              System.getProperty("java.class.path"), "-Dguice_bytecode_gen_option=DISABLED"));
      for (String scheme : List.of("http", "https")) {
        command.addAll(List.of("-D" + scheme + ".proxyHost=127.0.0.1", "-D" + scheme + ".proxyPort=" + port));
      }
      command.addAll(List.of("-DsocksProxyHost=127.0.0.1", "-DsocksProxyPort=" + port, "-Dhttp.nonProxyHosts=",
          "-Dsun.net.client.defaultReadTimeout=500", Child.class.getName(), what,
          TinyModel.folder().toString()));
      ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true)
          .redirectOutput(folder.resolve("output").toFile());
      builder.environment().keySet().removeAll(List.of("OPT_OUT_TRACKING", "DJL_OFFLINE"));
      builder.environment().putAll(environment);
      builder.start().waitFor();
      String output = Files.readString(folder.resolve("output"));
      proxy.setSoTimeout(1);
      boolean called = true;
      try {
        proxy.accept().close();
      } catch (SocketTimeoutException e) {
        called = false;
      }
      assertThat(called).as(output).isNotEqualTo(silent);
      if (silent) {
        assertThat(output).doesNotContain("asks for a connection");
      } else {
        assertThat(output).contains("asks for a connection");
      }
      return output;
    }
  }

  @Test
  void aTokenizerOpensNoConnection() throws Exception {
    assertThat(output(true, Map.of(), "tokenizer")).contains("did encode");
  }

  @Test
  void aSessionOfPytorchOpensNoConnection() throws Exception {
    assertThat(output(true, Map.of(), "backend")).contains("did open");
  }

  @Test
  void theCommandOpensNoConnection() throws Exception {
    assertThat(output(true, Map.of("OPT_OUT_TRACKING", "false"), "command")).doesNotContain("graft:");
  }

  @Test
  void anEnvironmentThatAsksForConnectionsIsRefused() throws Exception {
    Map<String, String> online = Map.of("DJL_OFFLINE", "false");
    assertThat(output(true, online, "tokenizer")).contains("variable DJL_OFFLINE is \"false\"");
    assertThat(output(true, online, "backend")).contains("variable DJL_OFFLINE is \"false\"");
  }

  /** Shows that the other tests would notice. */
  @Test
  void djlByItselfWouldOpenOne() throws Exception {
    assertThat(output(false, Map.of(), "djl")).contains("did call");
  }
}
