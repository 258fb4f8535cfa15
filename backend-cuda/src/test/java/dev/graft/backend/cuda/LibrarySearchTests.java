package dev.graft.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibrarySearchTests {
  @TempDir
  Path folder = Path.of("");

  private Path library(String place) throws IOException {
    Path file = folder.resolve(place);
    Files.createDirectories(file.getParent());
    return Files.createFile(file);
  }

  @Test
  void theSettingComesBeforeAToolkitAndAnEnvironmentOfPython() throws IOException {
    Path wheel = library("venv/lib/python3.12/site-packages/nvidia/cu13/lib/libtest.so.13");
    Map<String, String> python = Map.of("VIRTUAL_ENV", folder.resolve("venv").toString());
    assertThat(new LibrarySearch(python).find("libtest.so", List.of("13"))).contains(wheel);

    Path toolkit = library("cuda/lib64/libtest.so.13");
    Map<String, String> both = Map.of("VIRTUAL_ENV", folder.resolve("venv").toString(), "CUDA_HOME",
        folder.resolve("cuda").toString());
    assertThat(new LibrarySearch(both).find("libtest.so", List.of("13"))).contains(toolkit);

    Path named = library("mine/libtest.so.13");
    Map<String, String> all = Map.of("VIRTUAL_ENV", folder.resolve("venv").toString(), "CUDA_HOME",
        folder.resolve("cuda").toString(), LibrarySearch.SETTING, folder.resolve("mine").toString());
    assertThat(new LibrarySearch(all).find("libtest.so", List.of("13"))).contains(named);
  }

  @Test
  void theNewestVersionInAFolderIsTaken() throws IOException {
    library("lib/libtest.so.12");
    Path newer = library("lib/libtest.so.13");
    Map<String, String> environment = Map.of("LD_LIBRARY_PATH", folder.resolve("lib").toString());
    assertThat(new LibrarySearch(environment).find("libtest.so", List.of("13", "12"))).contains(newer);
    assertThat(new LibrarySearch(environment).find("libother.so", List.of("13", "12"))).isEmpty();
  }
}
