package dev.graft.integration;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apiguardian.api.API;

/** States the rules of the architecture, by name. */
final class ArchitectureRules {
  private static final List<String> API_PACKAGES = List.of("dev.graft.error", "dev.graft.graph",
      "dev.graft.spi");

  /** What each part may depend on beside itself and the interfaces. */
  private static final Map<String, List<String>> MAY_KNOW = Map.ofEntries(
      Map.entry("dev.graft.compiler", List.of()),
      Map.entry("dev.graft.formats", List.of()),
      Map.entry("dev.graft.template", List.of()),
      Map.entry("dev.graft.core", List.of("dev.graft.compiler", "dev.graft.formats")),
      Map.entry("dev.graft.tools", List.of("dev.graft.compiler", "dev.graft.core", "dev.graft.formats")),
      Map.entry("dev.graft.data", List.of("dev.graft.formats", "dev.graft.template")),
      Map.entry("dev.graft.models", List.of()),
      Map.entry("dev.graft.methods.lora", List.of()),
      // See docs/decisions/dora-builds-on-lora.md.
      Map.entry("dev.graft.methods.dora", List.of("dev.graft.methods.lora")),
      Map.entry("dev.graft.methods.prefix", List.of()),
      Map.entry("dev.graft.methods.prompt", List.of()),
      Map.entry("dev.graft.quant.nf4", List.of()),
      Map.entry("dev.graft.backend.reference", List.of("dev.graft.compiler.memory")),
      Map.entry("dev.graft.backend.cuda", List.of("dev.graft.compiler.memory")),
      Map.entry("dev.graft.backend.djl", List.of("dev.graft.compiler.memory")),
      Map.entry("dev.graft.testkit", List.of("dev.graft.compiler", "dev.graft.core", "dev.graft.formats",
          "dev.graft.backend.reference")),
      Map.entry("dev.graft.cli", List.of("dev.graft.compiler", "dev.graft.core", "dev.graft.data",
          "dev.graft.formats", "dev.graft.template", "dev.graft.tools")));

  /** Packages whose parts are to have no cycles. */
  private static final List<String> LAYERED = List.of("dev.graft", "dev.graft.core", "dev.graft.compiler",
      "dev.graft.data", "dev.graft.tools");

  private ArchitectureRules() {
  }

  /** Returns every rule by a name that says what it demands. */
  static Map<String, ArchRule> all() {
    Map<String, ArchRule> rules = new TreeMap<>();
    MAY_KNOW.forEach((part, known) -> rules.put(part + " knows only what it may", knows(part, known)));
    rules.put("the interfaces know nothing else", interfaces());
    rules.put("every class belongs to a part", everyPartIsListed());
    rules.put("only the command writes to the console", noClasses()
        .that(not(resideInAPackage("dev.graft.cli.."))).should(ACCESS_STANDARD_STREAMS));
    rules.put("only the command knows Guice and picocli", noClasses()
        .that().resideOutsideOfPackage("dev.graft.cli..").should().dependOnClassesThat()
        .resideInAnyPackage("com.google.inject..", "picocli.."));
    rules.put("nobody opens a network connection", noClasses().should().dependOnClassesThat()
        .haveNameMatching("java\\.net\\.(.*Socket.*|HttpURLConnection|http\\..*)|javax\\.net\\..*"));
    rules.put("public types say what they promise",
        classes().that(areTopLevelAndPublic()).should().beAnnotatedWith(API.class));
    LAYERED.forEach(part -> rules.put("the packages of " + part + " have no cycles",
        slices().matching(part + ".(*)..").should().beFreeOfCycles()));
    return rules;
  }

  private static ArchRule knows(String part, List<String> known) {
    String[] allowed = Stream.of(API_PACKAGES, known, List.of(part)).flatMap(List::stream)
        .map(name -> name + "..").toArray(String[]::new);
    return noClasses().that().resideInAPackage(part + "..").should()
        .dependOnClassesThat(resideInAPackage("dev.graft..").and(not(resideInAnyPackage(allowed))));
  }

  private static ArchRule interfaces() {
    List<String> allowed = new ArrayList<>(API_PACKAGES.stream().map(name -> name + "..").toList());
    allowed.addAll(List.of("java..", "org.jspecify..", "org.apiguardian.."));
    return noClasses().that()
        .resideInAnyPackage(API_PACKAGES.stream().map(name -> name + "..").toArray(String[]::new)).should()
        .dependOnClassesThat(not(resideInAnyPackage(allowed.toArray(String[]::new))));
  }

  private static ArchRule everyPartIsListed() {
    String[] parts = Stream.concat(API_PACKAGES.stream(), MAY_KNOW.keySet().stream())
        .map(name -> name + "..").toArray(String[]::new);
    return classes().should().resideInAnyPackage(parts);
  }

  private static DescribedPredicate<JavaClass> areTopLevelAndPublic() {
    return DescribedPredicate.describe("are public and top-level",
        type -> type.getModifiers().contains(JavaModifier.PUBLIC) && type.isTopLevelClass()
            && !type.getSimpleName().equals("package-info") && !type.getSimpleName().equals("module-info"));
  }
}
