package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Holds the product to the rules of the architecture, and the rules to violations that they must catch. */
class ArchitectureTests {
  private static final JavaClasses PRODUCT = new ClassFileImporter()
      .withImportOption(new ImportOption.DoNotIncludeTests())
      .withImportOption(location -> !location.contains("dev/graft/integration")).importPackages("dev.graft");

  private static final JavaClasses WITH_PLANTED_VIOLATIONS = new ClassFileImporter()
      .withImportOption(location -> !isTest(location) || location.contains("/planted")
          || location.contains("/unlisted/"))
      .importPackages("dev.graft");

  private static boolean isTest(Location location) {
    return location.contains("/test-classes/") || location.contains("dev/graft/integration");
  }

  /** Each planted class and a rule that must report it. */
  private static final Map<String, String> PLANTED = Map.ofEntries(
      Map.entry("dev.graft.models.planted.KnowsLora", "dev.graft.models knows only what it may"),
      Map.entry("dev.graft.models.planted.KnowsNf4", "dev.graft.models knows only what it may"),
      Map.entry("dev.graft.methods.prefix.planted.KnowsLora",
          "dev.graft.methods.prefix knows only what it may"),
      Map.entry("dev.graft.methods.prefix.planted.KnowsModels",
          "dev.graft.methods.prefix knows only what it may"),
      Map.entry("dev.graft.methods.lora.planted.KnowsDora", "dev.graft.methods.lora knows only what it may"),
      Map.entry("dev.graft.methods.lora.planted.KnowsCore", "dev.graft.methods.lora knows only what it may"),
      Map.entry("dev.graft.quant.nf4.planted.KnowsFormats", "dev.graft.quant.nf4 knows only what it may"),
      Map.entry("dev.graft.backend.reference.planted.KnowsDjl",
          "dev.graft.backend.reference knows only what it may"),
      Map.entry("dev.graft.spi.planted.KnowsCompiler", "the interfaces know nothing else"),
      Map.entry("dev.graft.compiler.planted.KnowsFormats", "dev.graft.compiler knows only what it may"),
      Map.entry("dev.graft.formats.planted.KnowsCompiler", "dev.graft.formats knows only what it may"),
      Map.entry("dev.graft.core.planted.KnowsTools", "dev.graft.core knows only what it may"),
      Map.entry("dev.graft.core.planted.KnowsReference", "dev.graft.core knows only what it may"),
      Map.entry("dev.graft.tools.planted.KnowsCommandLine", "dev.graft.tools knows only what it may"),
      Map.entry("dev.graft.data.planted.KnowsTools", "dev.graft.data knows only what it may"),
      Map.entry("dev.graft.template.planted.KnowsData", "dev.graft.template knows only what it may"),
      Map.entry("dev.graft.cli.planted.KnowsTestKit", "dev.graft.cli knows only what it may"),
      Map.entry("dev.graft.testkit.planted.KnowsLora", "dev.graft.testkit knows only what it may"),
      Map.entry("dev.graft.unlisted.Stray", "every class belongs to a part"),
      Map.entry("dev.graft.core.planted.OpensSocket", "nobody opens a network connection"),
      Map.entry("dev.graft.core.planted.UsesPicocli", "only the command knows Guice and picocli"),
      Map.entry("dev.graft.core.planted.WritesToTheConsole", "only the command writes to the console"),
      Map.entry("dev.graft.core.planted.Unannotated", "public types say what they promise"),
      Map.entry("dev.graft.core.plantedhere.Here", "the packages of dev.graft.core have no cycles"));

  @TestFactory
  Stream<DynamicTest> theProductKeepsEveryRule() {
    return ArchitectureRules.all().entrySet().stream()
        .map(rule -> DynamicTest.dynamicTest(rule.getKey(), () -> rule.getValue().check(PRODUCT)));
  }

  @TestFactory
  Stream<DynamicTest> everyPlantedViolationIsCaught() {
    Map<String, ArchRule> rules = ArchitectureRules.all();
    return PLANTED.entrySet().stream().map(planted -> DynamicTest.dynamicTest(planted.getKey(), () -> {
      ArchRule rule = Objects.requireNonNull(rules.get(planted.getValue()), planted.getValue());
      String report = String.join("\n",
          rule.evaluate(WITH_PLANTED_VIOLATIONS).getFailureReport().getDetails());
      assertThat(report).contains(planted.getKey());
    }));
  }

  @Test
  void thePlantedViolationsAreNoPartOfTheProduct() {
    assertThat(PRODUCT).isNotEmpty().noneMatch(type -> type.getPackageName().contains("planted"));
  }
}
