package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Platform;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which native library is taken, and what is said where it cannot be. */
class LoaderIT {
    private static final String LIBRARY = System.mapLibraryName("dcs");
    private static final Path JAR = Path.of(System.getProperty("libdcs.jar"));

    @TempDir
    private Path folder;

    @Test
    void theTestsRunAgainstTheJar() throws Exception {
        URI source = DcsClient.class.getProtectionDomain().getCodeSource().getLocation().toURI();
        assertEquals(JAR.toRealPath(), Path.of(source).toRealPath());
        try (JarFile jar = new JarFile(JAR.toFile())) {
            assertEquals("io.github.libdcs", jar.getManifest().getMainAttributes().getValue("Automatic-Module-Name"));
            assertNotNull(jar.getEntry("META-INF/LICENSE"));
        }
    }

    @Test
    void theLibraryInTheJar() throws Exception {
        assertEquals("loaded 0.1.0", load());
    }

    @Test
    void nothingUnpackedStaysBehindAJvmThatIsKilled() throws Exception {
        Path unpacked = Files.createDirectory(folder.resolve("unpacked"));
        Child.run(LoadAndHalt.class, Map.of(), "-Djna.tmpdir=" + unpacked);
        Path library = folder.resolve(LIBRARY);
        unpackLibrary(library);
        try (Stream<Path> files = Files.list(unpacked)) { // JNA may leave its own
            assertTrue(files.allMatch(file -> file.toFile().length() != library.toFile().length()));
        }
    }

    @Test
    void aFileOrFolderInstead() throws Exception {
        Path file = folder.resolve(LIBRARY);
        unpackLibrary(file);
        assertEquals("loaded 0.1.0", load("-Ddcs.library.path=" + file));
        assertEquals("loaded 0.1.0", load("-Ddcs.library.path=" + folder));
        assertTrue(Files.exists(file));
    }

    @Test
    void aStaleLibraryOfTheSystemIsNotTaken() throws Exception {
        compile(LIBRARY, "unsigned dcs_abi_version(void) { return 0; }");
        assertEquals("loaded 0.1.0", Child.run(Load.class, Map.of("LD_LIBRARY_PATH", folder.toString()),
                "-Djna.library.path=" + folder, "-Djava.library.path=" + folder));
    }

    @Test
    void aMissingFile() throws Exception {
        Path file = folder.resolve("libmissing.so");
        assertFails(load("-Ddcs.library.path=" + file), file.toString(), "No such file");
    }

    @Test
    void aFolderWithoutTheLibrary() throws Exception {
        assertFails(load("-Ddcs.library.path=" + folder), folder.resolve(LIBRARY).toString(), "No such file");
    }

    @Test
    void aFileThatIsNoLibrary() throws Exception {
        Path file = Files.writeString(folder.resolve("libdcs.so"), "not a library");
        assertFails(load("-Ddcs.library.path=" + file), file.toString(), "file too short");
    }

    @Test
    void someOtherLibrary() throws Exception {
        Path file = compile("libother.so", "int other(void) { return 0; }");
        assertFails(load("-Ddcs.library.path=" + file), file.toString(), "dcs_abi_version");
    }

    @Test
    void aLibraryOfAnotherAbi() throws Exception {
        Path file = compile("libfuture.so", "unsigned dcs_abi_version(void) { return 2; }"
                + " const char *dcs_version(void) { return \"7.8.9\"; }");
        assertFails(load("-Ddcs.library.path=" + file), file.toString(), "7.8.9", "ABI version 2", "ABI version 1");
    }

    @Test
    void aLibraryThatLacksAFunction() throws Exception {
        Path file = compile("libpartial.so", "unsigned dcs_abi_version(void) { return 1; }");
        assertFails(load("-Ddcs.library.path=" + file), file.toString(), "dcs_");
    }

    @Test
    void aJarForAnotherPlatform() throws Exception {
        Path stripped = folder.resolve("stripped.jar");
        copyJarWithoutLibrary(stripped);
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(entry -> entry.endsWith(JAR.getFileName().toString()) ? stripped.toString() : entry)
                .collect(Collectors.joining(File.pathSeparator));
        String text = Child.run(classPath, Load.class, Map.of());
        assertFails(text, stripped.toString(), Platform.RESOURCE_PREFIX, "-Ddcs.library.path");
    }

    @Test
    void jnaThatDoesNotStart() throws Exception {
        String text = load("-Djna.boot.library.path=" + folder, "-Djna.nosys=true", "-Djna.nounpack=true");
        assertFails(text, "JNA", "jna.tmpdir");
    }

    @Test
    void jnaThatIsNotThere() throws Exception {
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !Path.of(entry).getFileName().toString().startsWith("jna-"))
                .collect(Collectors.joining(File.pathSeparator));
        String text = Child.run(classPath, Load.class, Map.of());
        assertFails(text, "class path", "net.java.dev.jna:jna:" + NativeLoader.JNA_VERSION);
    }

    @Test
    void theJnaThatTheBuildTakesIsTheOneToAdd() throws Exception {
        assertTrue(Files.readString(Path.of("pom.xml")).contains(
                "<artifactId>jna</artifactId>\n      <version>" + NativeLoader.JNA_VERSION + "</version>"));
    }

    private String load(String... options) throws Exception {
        return Child.run(Load.class, Map.of(), options);
    }

    private static void assertFails(String text, String... words) {
        assertTrue(text.startsWith("failed: "), text);
        for (String word : words) {
            assertTrue(text.contains(word), word + " is not in: " + text);
        }
        assertFalse(text.contains(".. "), text);
    }

    private Path compile(String name, String source) throws Exception {
        Path file = folder.resolve(name);
        Path code = Files.writeString(folder.resolve("source.c"), source);
        Child.execute(Map.of(), List.of("cc", "-shared", "-fPIC", "-o", file.toString(), code.toString()));
        return file;
    }

    private static void unpackLibrary(Path target) throws IOException {
        try (InputStream in = DcsClient.class.getResourceAsStream("/" + Platform.RESOURCE_PREFIX + "/" + LIBRARY)) {
            Files.copy(in, target);
        }
    }

    private static void copyJarWithoutLibrary(Path target) throws IOException {
        try (JarFile jar = new JarFile(JAR.toFile());
                OutputStream out = Files.newOutputStream(target);
                JarOutputStream copy = new JarOutputStream(out)) {
            for (JarEntry entry : jar.stream().collect(Collectors.toList())) {
                if (!entry.getName().endsWith(LIBRARY)) {
                    copy.putNextEntry(new JarEntry(entry.getName()));
                    try (InputStream in = jar.getInputStream(entry)) {
                        in.transferTo(copy);
                    }
                }
            }
        }
    }

    /** Prints the loaded library's version, or why it cannot be loaded; and is told the same every time. */
    static final class Load {
        private Load() {
        }

        public static void main(String[] arguments) {
            try {
                DcsClient.builder();
                System.out.println("loaded " + NativeText.decode(LibDcs.dcs_version()));
            } catch (DcsLoadException first) {
                DcsLoadException second = assertThrows(DcsLoadException.class, DcsClient::fromEnvironment);
                assertNotSame(first, second);
                assertEquals(first.getMessage(), second.getMessage());
                assertSame(first.getCause(), second.getCause());
                assertNotNull(first.getCause());
                System.out.println("failed: " + first.getMessage());
            }
        }
    }

    /** Loads the library and ends without any of what a JVM does when it ends. */
    static final class LoadAndHalt {
        private LoadAndHalt() {
        }

        public static void main(String[] arguments) {
            DcsClient.builder();
            Runtime.getRuntime().halt(0);
        }
    }
}
