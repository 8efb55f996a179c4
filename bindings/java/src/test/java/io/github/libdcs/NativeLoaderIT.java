package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Platform;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests which native library is loaded, and the message if it cannot be. */
class NativeLoaderIT {
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
            assertEquals(LoaderProbe.VERSION, jar.getManifest().getMainAttributes().getValue("Implementation-Version"));
        }
        Path crate = Path.of(System.getProperty("libdcs.root"), "Cargo.toml");
        assertTrue(Files.readString(crate).contains("\nversion = \"" + LoaderProbe.VERSION + "\"\n"));
    }

    @Test
    void libraryInTheJar() throws Exception {
        assertEquals(LoaderProbe.LOADED, LoaderProbe.run());
    }

    @Test
    void fileOrFolder() throws Exception {
        Path file = folder.resolve(LIBRARY);
        unpackLibrary(file);
        assertEquals(LoaderProbe.LOADED, LoaderProbe.run("-Ddcs.library.path=" + file));
        assertEquals(LoaderProbe.LOADED, LoaderProbe.run("-Ddcs.library.path=" + folder));
        assertTrue(Files.exists(file));
    }

    @Test
    void systemLibraryIsIgnored() throws Exception {
        compile(LIBRARY, "unsigned dcs_abi_version(void) { return 0; }");
        assertEquals(LoaderProbe.LOADED, ChildJvm.run(LoaderProbe.class, Map.of("LD_LIBRARY_PATH", folder.toString()),
                "-Djna.library.path=" + folder, "-Djava.library.path=" + folder));
    }

    @Test
    void missingFile() throws Exception {
        Path file = folder.resolve("libmissing.so");
        assertPathFails(file, "no such file");
    }

    @Test
    void folderWithoutTheLibrary() throws Exception {
        assertPathFails(folder, folder.resolve(LIBRARY).toString(), "no such file");
    }

    @Test
    void danglingSymbolicLink() throws Exception {
        Path file = Files.createSymbolicLink(folder.resolve(LIBRARY), Path.of("libdcs.so.7"));
        assertPathFails(file, "a symbolic link to libdcs.so.7, which does not exist");
    }

    @Test
    void notALibrary() throws Exception {
        Path file = Files.writeString(folder.resolve("libdcs.so"), "not a library");
        assertPathFails(file, "not a library for Linux, or cut short (13 bytes)");
    }

    @Test
    void truncatedLibrary() throws Exception {
        Path file = folder.resolve(LIBRARY);
        unpackLibrary(file);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(channel.size() - 9000); // Loading it would kill the JVM.
        }
        assertPathFails(file, "cut short: the last 9000 bytes are missing");
    }

    @Test
    void libraryForAnotherProcessor() throws Exception {
        Path file = folder.resolve(LIBRARY);
        unpackLibrary(file);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {(byte) 183, 0}), 18);
        }
        assertPathFails(file, "a library for 64-bit ARM64, but this JVM is for " + System.getProperty("os.arch"));
    }

    @Test
    void needsNewerGlibc() throws Exception {
        // A newer C library, which is present only when this is linked.
        Path names = Files.writeString(folder.resolve("future.map"), "GLIBC_2.99 { global: from_the_future; };");
        Path future = compile("libfuture.so", "void from_the_future(void) {}", "-nostdlib", "-Wl,-soname,libc.so.6",
                "-Wl,--version-script=" + names);
        Path file = compile("libdcs.so", "void from_the_future(void); void f(void) { from_the_future(); }",
                "-nostdlib", future.toString());
        assertPathFails(file, "it needs glibc 2.99 or newer (");
    }

    @Test
    void otherLibrary() throws Exception {
        Path file = compile("libother.so", "int other(void) { return 0; }");
        assertPathFails(file, "not libdcs: it has no function dcs_abi_version");
    }

    @Test
    void otherAbiVersion() throws Exception {
        Path file = compile("libfuture.so", "unsigned dcs_abi_version(void) { return 2; }"
                + " const char *dcs_version(void) { return \"7.8.9\"; }");
        assertPathFails(file, "libdcs 7.8.9 has ABI version 2, but this jar (" + LoaderProbe.VERSION
                + ") needs ABI version 1");
    }

    @Test
    void olderLibrary() throws Exception {
        Path file = compile("libolder.so", "unsigned dcs_abi_version(void) { return 1; }"
                + " const char *dcs_version(void) { return \"0.0.9\"; }");
        assertPathFails(file, "libdcs 0.0.9 is older than this jar (" + LoaderProbe.VERSION + "): ", "'dcs_");
    }

    @Test
    void libraryOfUnknownVersion() throws Exception {
        Path file = compile("libpartial.so", "unsigned dcs_abi_version(void) { return 1; }");
        assertPathFails(file, "libdcs of unknown version");
    }

    @Test
    void jarForAnotherPlatform() throws Exception {
        Path stripped = folder.resolve("stripped.jar");
        copyJarWithoutLibrary(stripped);
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(entry -> entry.endsWith(JAR.getFileName().toString()) ? stripped.toString() : entry)
                .collect(Collectors.joining(File.pathSeparator));
        String text = ChildJvm.run(classPath, LoaderProbe.class, Map.of());
        LoaderProbe.assertFails(text, stripped.toString(), Platform.RESOURCE_PREFIX, "-Ddcs.library.path");
    }

    private static void assertPathFails(Path file, String... parts) throws Exception {
        String text = LoaderProbe.run("-Ddcs.library.path=" + file);
        LoaderProbe.assertFails(text, file.toString());
        LoaderProbe.assertFails(text, parts);
    }

    private Path compile(String name, String source, String... options) throws Exception {
        Path file = folder.resolve(name);
        Path code = Files.writeString(folder.resolve("source.c"), source);
        List<String> command = new ArrayList<>(
                List.of("cc", "-shared", "-fPIC", "-o", file.toString(), code.toString()));
        command.addAll(List.of(options));
        ChildJvm.execute(Map.of(), command);
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
}
