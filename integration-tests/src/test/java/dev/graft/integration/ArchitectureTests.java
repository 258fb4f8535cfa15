package dev.graft.integration;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.apiguardian.api.API;
import org.junit.jupiter.api.Test;

/** Holds the rules of the architecture. */
class ArchitectureTests {
  private final JavaClasses product = new ClassFileImporter()
      .withImportOption(new ImportOption.DoNotIncludeTests()).importPackages("dev.graft");

  @Test
  void plugInsKnowTheInterfacesAlone() {
    noClasses().that().resideInAnyPackage("dev.graft.methods..", "dev.graft.models..", "dev.graft.backend..",
        "dev.graft.quant..")
        .should().dependOnClassesThat().resideInAnyPackage("dev.graft.core..", "dev.graft.cli..")
        .check(product);
  }

  @Test
  void theInterfacesKnowNothingElse() {
    noClasses().that().resideInAnyPackage("dev.graft.error..", "dev.graft.graph..", "dev.graft.spi..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.graft.core..", "dev.graft.methods..", "dev.graft.models..",
            "dev.graft.quant..", "dev.graft.backend..", "tools.jackson..", "com.google..", "picocli..")
        .check(product);
  }

  @Test
  void coreKnowsNoCommandLineAndNoContainer() {
    noClasses().that().resideInAPackage("dev.graft.core..").should().dependOnClassesThat()
        .resideInAnyPackage("dev.graft.cli..", "com.google.inject..", "picocli..").check(product);
  }

  @Test
  void packagesOfCoreHaveNoCycles() {
    slices().matching("dev.graft.core.(*)..").should().beFreeOfCycles().check(product);
  }

  @Test
  void publicTypesSayWhatTheyPromise() {
    classes().that(new DescribedPredicate<JavaClass>("are public and top-level") {
      @Override
      public boolean test(JavaClass type) {
        return type.getModifiers().contains(JavaModifier.PUBLIC) && type.isTopLevelClass()
            && !type.getSimpleName().equals("package-info") && !type.getSimpleName().equals("module-info");
      }
    }).should().beAnnotatedWith(API.class).check(product);
  }
}
