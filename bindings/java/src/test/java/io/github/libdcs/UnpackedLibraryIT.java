package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests where the library in the jar is unpacked, and what remains there. */
class UnpackedLibraryIT {
    private static final List<String> IN_A_NAMESPACE =
            List.of("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec");

    @TempDir
    private Path folder;

    @Test
    void namedFolderIsAlsoForJna() throws Exception {
        Path named = folder.resolve("a folder/to be made");
        // Neither library can be unpacked anywhere else.
        assertEquals(LoaderProbe.LOADED, LoaderProbe.run("-Ddcs.library.tmpdir=" + named, "-Djava.io.tmpdir=/proc",
                "-Duser.home=/proc"));
        assertEquals(List.of(), ours(named));
    }

    @Test
    void namedFolderIsTheOnlyOne() throws Exception {
        // JNA finds its own library.
        LoaderProbe.assertFails(LoaderProbe.run("-Ddcs.library.tmpdir=/proc/nowhere", "-Djna.tmpdir=" + folder),
                "in /proc/nowhere (-Ddcs.library.tmpdir)", "or a library file with -Ddcs.library.path=FILE");
    }

    @Test
    void nextFolderIfOneIsUnusable() throws Exception {
        Path home = Files.createDirectory(folder.resolve("home"));
        assertEquals(LoaderProbe.LOADED, ChildJvm.run(LoaderProbe.class, Map.of("XDG_CACHE_HOME", ""),
                "-Djava.io.tmpdir=/proc", "-Duser.home=" + home));
        assertTrue(Files.isDirectory(home.resolve(".cache/libdcs")));
        assertEquals(List.of(), ours(home.resolve(".cache/libdcs")));
    }

    @Test
    void relativeCacheFolderIsIgnored() throws Exception {
        Path home = Files.createDirectory(folder.resolve("home"));
        Path relative = Path.of("target", folder.getFileName().toString());
        assertEquals(LoaderProbe.LOADED, ChildJvm.run(LoaderProbe.class, Map.of("XDG_CACHE_HOME", relative.toString()),
                "-Djava.io.tmpdir=/proc", "-Duser.home=" + home));
        assertTrue(Files.isDirectory(home.resolve(".cache/libdcs")));
        assertFalse(Files.exists(relative.resolve("libdcs"))); // JNA uses it for its own library.
    }

    @Test
    void readOnlyHomeAndNoexecTemporaryFolder() throws Exception {
        List<String> probe = new ArrayList<>(IN_A_NAMESPACE);
        probe.addAll(List.of("mount -t tmpfs -o noexec none \"$1\"", "-", folder.toString()));
        assumeTrue(new ProcessBuilder(probe).start().waitFor() == 0, "mounting in a user namespace is not permitted");

        Path programs = Files.createDirectory(folder.resolve("programs"));
        String unpacksJna = "-Djna.tmpdir=" + programs;
        String text = loadThere();
        LoaderProbe.assertFails(text, "JNA does not start", "failed to map segment", "-Ddcs.library.tmpdir=FOLDER");
        Path noexec = folder.resolve("tmp");
        text = loadThere("-Djna.tmpdir=" + noexec, "-Djna.boot.library.path=" + jnaIn(programs));
        LoaderProbe.assertFails(text, "in " + noexec + " (-Djna.tmpdir): the folder is mounted noexec", "; jar:file:",
                "in " + folder.resolve("home/.cache/libdcs") + " (user.home): java.nio.file.", "Read-only file system",
                "Name a writable folder that is not mounted noexec with -Ddcs.library.tmpdir=FOLDER");
        assertEquals(LoaderProbe.LOADED, loadThere("-Ddcs.library.tmpdir=" + programs));
        assertEquals(LoaderProbe.LOADED, loadThere(unpacksJna));
        Path library = programs.resolve(System.mapLibraryName("dcs"));
        try (var in = DcsClient.class.getResourceAsStream("/linux-x86-64/libdcs.so")) {
            Files.copy(in, library);
        }
        assertEquals(LoaderProbe.LOADED, loadThere(unpacksJna, "-Ddcs.library.path=" + library));
        assertEquals(List.of(), ours(programs));
    }

    /** Copies JNA's own library there, as a distribution installs it. */
    private static Path jnaIn(Path programs) throws IOException {
        try (var in = com.sun.jna.Native.class.getResourceAsStream("/com/sun/jna/linux-x86-64/libjnidispatch.so")) {
            Files.copy(in, programs.resolve("libjnidispatch.so"));
        }
        return programs;
    }

    private String loadThere(String... options) throws Exception {
        Path temporary = folder.resolve("tmp");
        Path home = folder.resolve("home");
        Files.createDirectories(temporary);
        Files.createDirectories(home);
        List<String> command = new ArrayList<>(IN_A_NAMESPACE);
        command.add("mount -t tmpfs -o noexec none \"$1\"; mount -t tmpfs -o ro none \"$2\"; shift 2; exec \"$@\"");
        command.addAll(List.of("-", temporary.toString(), home.toString()));
        command.addAll(ChildJvm.java());
        command.addAll(List.of("-Djava.io.tmpdir=" + temporary, "-Duser.home=" + home, "-XX:-UsePerfData"));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), LoaderProbe.class.getName()));
        return ChildJvm.execute(Map.of("XDG_CACHE_HOME", ""), command);
    }

    @Test
    void concurrentJvms() throws Exception {
        List<Callable<String>> loads = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            loads.add(() -> LoaderProbe.run("-Ddcs.library.tmpdir=" + folder));
        }
        ExecutorService executor = Executors.newFixedThreadPool(loads.size());
        try {
            for (Future<String> load : executor.invokeAll(loads)) {
                assertEquals(LoaderProbe.LOADED, load.get());
            }
        } finally {
            executor.shutdown();
        }
        assertEquals(List.of(), ours(folder));
    }

    @Test
    void nothingRemainsIfTheJvmIsKilled() throws Exception {
        ChildJvm.run(LoaderProbe.AndHalt.class, Map.of(), "-Ddcs.library.tmpdir=" + folder);
        assertEquals(List.of(), ours(folder));
    }

    @Test
    void staleFilesAreDeleted() throws Exception {
        Path old = Files.createFile(folder.resolve("libdcs-unpacked-123.so"));
        Path another = Files.createFile(folder.resolve("libdcs-unpacked-456.so"));
        Path beingLoaded = Files.createFile(folder.resolve("libdcs-unpacked-789.so"));
        Path unrelated = Files.createFile(folder.resolve("libdcs-0.1.0.so"));
        FileTime anHourAgo = FileTime.from(Instant.now().minus(Duration.ofHours(1)));
        for (Path file : List.of(old, another, unrelated)) {
            Files.setLastModifiedTime(file, anHourAgo);
        }
        assertEquals(LoaderProbe.LOADED, LoaderProbe.run("-Ddcs.library.tmpdir=" + folder));
        assertEquals(List.of(beingLoaded), ours(folder));
        assertTrue(Files.exists(unrelated));
        assertFalse(Files.exists(old));
    }

    private static List<Path> ours(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) { // JNA may leave its own library.
            return files.filter(file -> file.getFileName().toString().startsWith("libdcs-unpacked-"))
                    .collect(Collectors.toList());
        }
    }
}
