package dev.graft.integration;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
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
  private static final String[] INTERFACES = {"dev.graft.error..", "dev.graft.graph..", "dev.graft.spi.."};
  private static final String[] PLUG_INS = {"dev.graft.methods..", "dev.graft.models..",
    "dev.graft.backend..",
    "dev.graft.quant.."};

  private static final String MEMORY = "dev.graft.compiler.memory";

  private static final JavaClasses PRODUCT = new ClassFileImporter()
      .withImportOption(new ImportOption.DoNotIncludeTests())
      .withImportOption(location -> !location.contains("dev/graft/integration"))
      .importPackages("dev.graft");

  @Test
  void plugInsKnowTheInterfacesAlone() {
    noClasses().that().resideInAnyPackage(PLUG_INS).should()
        .dependOnClassesThat(resideInAnyPackage("dev.graft..").and(
            not(resideInAnyPackage(INTERFACES)).and(not(new DescribedPredicate<JavaClass>("are their own") {
              @Override
              public boolean test(JavaClass type) {
                return type.getPackageName().matches("dev\\.graft\\.(methods|models|backend|quant)\\b.*")
                    || type.getPackageName().equals(MEMORY);
              }
            }))))
        .check(PRODUCT);
  }

  @Test
  void noPlugInsButBackendsPlanMemory() {
    noClasses().that().resideInAnyPackage("dev.graft.methods..", "dev.graft.models..", "dev.graft.quant..")
        .should().dependOnClassesThat().resideInAPackage(MEMORY).check(PRODUCT);
  }

  @Test
  void plugInsDoNotKnowEachOther() {
    // See docs/decisions/dora-builds-on-lora.md.
    slices().matching("dev.graft.(methods|models|backend|quant).(*)..").should().notDependOnEachOther()
        .ignoreDependency(resideInAPackage("dev.graft.methods.."),
            resideInAPackage("dev.graft.methods.lora.."))
        .check(PRODUCT);
  }

  @Test
  void theInterfacesKnowNothingElse() {
    noClasses().that().resideInAnyPackage(INTERFACES).should()
        .dependOnClassesThat(
            not(resideInAnyPackage("dev.graft.error..", "dev.graft.graph..", "dev.graft.spi..",
                "java..", "org.jspecify..", "org.apiguardian..")))
        .check(PRODUCT);
  }

  @Test
  void nothingButTestsKnowsTheTestKit() {
    noClasses().that().resideOutsideOfPackage("dev.graft.testkit..").should().dependOnClassesThat()
        .resideInAPackage("dev.graft.testkit..").check(PRODUCT);
  }

  @Test
  void theTestKitKnowsNoPlugInButTheReference() {
    noClasses().that().resideInAPackage("dev.graft.testkit..").should()
        .dependOnClassesThat(
            resideInAnyPackage("dev.graft.methods..", "dev.graft.models..", "dev.graft.quant..",
                "dev.graft.data..", "dev.graft.cli..").or(
                    resideInAPackage("dev.graft.backend..").and(
                        not(resideInAPackage("dev.graft.backend.reference..")))))
        .check(PRODUCT);
  }

  @Test
  void dataKnowsNoPlugIn() {
    noClasses().that().resideInAPackage("dev.graft.data..").should()
        .dependOnClassesThat(resideInAnyPackage("dev.graft.cli..").or(resideInAnyPackage(PLUG_INS)))
        .allowEmptyShould(true).check(PRODUCT);
  }

  @Test
  void onlyTheCommandWritesToTheConsole() {
    NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(
        PRODUCT.that(not(resideInAPackage("dev.graft.cli.."))));
  }

  @Test
  void coreKnowsNoCommandLineAndNoContainer() {
    noClasses().that().resideInAPackage("dev.graft.core..").should().dependOnClassesThat()
        .resideInAnyPackage("dev.graft.cli..", "com.google.inject..", "picocli..").check(PRODUCT);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("dev.graft.(*)..").should().beFreeOfCycles().check(PRODUCT);
    slices().matching("dev.graft.core.(*)..").should().beFreeOfCycles().check(PRODUCT);
    slices().matching("dev.graft.data.(*)..").should().beFreeOfCycles().allowEmptyShould(true).check(PRODUCT);
  }

  @Test
  void publicTypesSayWhatTheyPromise() {
    classes().that(new DescribedPredicate<JavaClass>("are public and top-level") {
      @Override
      public boolean test(JavaClass type) {
        return type.getModifiers().contains(JavaModifier.PUBLIC) && type.isTopLevelClass()
            && !type.getSimpleName().equals("package-info") && !type.getSimpleName().equals("module-info");
      }
    }).should().beAnnotatedWith(API.class).check(PRODUCT);
  }
}
