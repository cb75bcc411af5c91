package dev.heddle.app;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.Architectures;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Arrows between modules and packages point one way. */
class StructureTest {
    private static final JavaClasses CLASSES =
            new ClassFileImporter()
                    .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                    .importPackages("dev.heddle");

    /** A package may see only itself and those before it. */
    private static final List<String> ORDER =
            List.of(
                    "dev.heddle.protocol",
                    "dev.heddle.core.fault",
                    "dev.heddle.core.identity",
                    "dev.heddle.core.exchange",
                    "dev.heddle.core.sealing",
                    "dev.heddle.core.rounds",
                    "dev.heddle.core.events",
                    "dev.heddle.core.backend",
                    "dev.heddle.core.tasks",
                    "dev.heddle.core.health",
                    "dev.heddle.core.catalog",
                    "dev.heddle.core.aggregation",
                    "dev.heddle.core.session",
                    "dev.heddle.redis",
                    "dev.heddle.transport.net",
                    "dev.heddle.transport.connect",
                    "dev.heddle.transport.serve",
                    "dev.heddle.app.config",
                    "dev.heddle.app.demo",
                    "dev.heddle.app.telemetry",
                    "dev.heddle.app.wiring",
                    "dev.heddle.app.cli");

    private static final List<String> COORDINATING =
            List.of(
                    "java.util.concurrent.locks.",
                    "java.util.concurrent.atomic.",
                    "java.util.concurrent.Semaphore",
                    "java.util.concurrent.CountDownLatch");

    private static final Pattern DOCUMENTED = Pattern.compile("`([A-Z]\\w+)\\.(\\w+)`");

    private static String name(JavaField field) {
        var owner = field.getOwner();
        while (owner.getEnclosingClass().isPresent()) {
            owner = owner.getEnclosingClass().get();
        }
        return owner.getSimpleName() + "." + field.getName();
    }

    private static final Pattern MONITOR = Pattern.compile("(?m)^[^*/]*\\bsynchronized\\b");

    @Test
    void every_lock_atomic_and_latch_is_documented_and_no_other() throws IOException {
        var page =
                Files.readString(Path.of(System.getProperty("heddle.root"), "docs/concurrency.md"));
        var tables = page.substring(page.indexOf("## Locks"), page.indexOf("## Orders"));
        var documented =
                DOCUMENTED
                        .matcher(tables)
                        .results()
                        .map(found -> found.group(1) + "." + found.group(2))
                        .collect(Collectors.toCollection(TreeSet::new));
        var existing = new TreeSet<String>();
        for (var type : CLASSES) {
            type.getFields().stream()
                    .filter(
                            field ->
                                    field.getType().getAllInvolvedRawTypes().stream()
                                            .anyMatch(
                                                    raw ->
                                                            COORDINATING.stream()
                                                                    .anyMatch(
                                                                            raw.getName()
                                                                                    ::startsWith)))
                    .filter(field -> !field.getModifiers().contains(JavaModifier.SYNTHETIC))
                    .map(StructureTest::name)
                    .forEach(existing::add);
        }
        assertThat(documented).containsExactlyInAnyOrderElementsOf(existing);
    }

    @Test
    void every_class_that_uses_its_monitor_is_documented() throws IOException {
        var root = Path.of(System.getProperty("heddle.root"));
        var page = Files.readString(root.resolve("docs/concurrency.md"));
        var locks = page.substring(page.indexOf("## Locks"), page.indexOf("## States"));
        var using = new TreeSet<String>();
        for (var module : List.of("protocol", "core", "redis", "transport", "app")) {
            try (var files = Files.walk(root.resolve(module).resolve("src/main/java"))) {
                for (var file : files.filter(Files::isRegularFile).toList()) {
                    if (MONITOR.matcher(Files.readString(file)).find()) {
                        using.add(file.getFileName().toString().replace(".java", ""));
                    }
                }
            }
        }
        assertThat(using).isNotEmpty().allMatch(locks::contains);
    }

    @Test
    void every_package_has_its_place_and_sees_only_earlier_ones() {
        var forbidden = new TreeSet<String>();
        for (var type : CLASSES) {
            int rank = ORDER.indexOf(type.getPackageName());
            assertThat(rank).as("place of " + type.getPackageName()).isNotNegative();
            type.getDirectDependenciesFromSelf()
                    .forEach(
                            dependency -> {
                                var target = dependency.getTargetClass().getPackageName();
                                if (target.startsWith("dev.heddle")
                                        && ORDER.indexOf(target) > rank) {
                                    forbidden.add(type.getName() + " may not see " + target);
                                }
                            });
        }
        assertThat(forbidden).isEmpty();
    }

    @Test
    void packages_have_no_cycles() {
        slices().matching("dev.heddle.(**)").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void backends_and_clients_do_not_see_each_other() {
        Architectures.layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("connect")
                .definedBy(resideInAPackage("dev.heddle.transport.connect"))
                .layer("serve")
                .definedBy(resideInAPackage("dev.heddle.transport.serve"))
                .whereLayer("connect")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("serve")
                .mayNotBeAccessedByAnyLayer()
                .check(CLASSES);
    }

    @Test
    void what_decides_knows_no_socket_and_no_file_format() {
        var strangers = new TreeSet<String>();
        for (var type : CLASSES) {
            if (type.getPackageName().startsWith("dev.heddle.core")
                    || type.getPackageName().startsWith("dev.heddle.protocol")) {
                type.getDirectDependenciesFromSelf().stream()
                        .map(dependency -> dependency.getTargetClass().getPackageName())
                        .filter(
                                name ->
                                        name.startsWith("io.netty")
                                                || name.startsWith("tools.jackson")
                                                || name.startsWith("org.snakeyaml"))
                        .forEach(name -> strangers.add(type.getName() + " sees " + name));
            }
        }
        assertThat(strangers).isEmpty();
    }
}
