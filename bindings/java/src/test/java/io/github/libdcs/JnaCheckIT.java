package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the message if JNA is missing, too old or does not start. */
class JnaCheckIT {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"5.13.0", "4.5.2"})
    void oldVersionOnTheClassPath(String version) throws Exception {
        Path old = old(version);
        String text = ChildJvm.run(LoaderProbe.classPathWithJna(old), LoaderProbe.class, Map.of());
        LoaderProbe.assertFails(text, "libdcs needs JNA " + JnaCheck.OLDEST + " or newer, but JNA " + version
                        + " comes first on the class path (file:" + old + ")",
                "net.java.dev.jna:jna:" + JnaCheck.VERSION);
    }

    @Test
    void nativeLibraryOfAnOldVersion() throws Exception {
        Path library = folder.resolve("libjnidispatch.so");
        try (JarFile jar = new JarFile(old("5.13.0").toFile());
                InputStream in = jar.getInputStream(jar.getEntry("com/sun/jna/linux-x86-64/libjnidispatch.so"))) {
            Files.copy(in, library);
        }
        LoaderProbe.assertFails(LoaderProbe.run("-Djna.boot.library.path=" + folder), "JNA does not start",
                "incompatible JNA native library", "jna.boot.library.path");
    }

    @Test
    void doesNotStart() throws Exception {
        String text =
                LoaderProbe.run("-Djna.boot.library.path=" + folder, "-Djna.nosys=true", "-Djna.nounpack=true");
        LoaderProbe.assertFails(text, "JNA does not start", "-Ddcs.library.tmpdir=FOLDER", "jna.tmpdir");
    }

    @Test
    void missing() throws Exception {
        String text = ChildJvm.run(LoaderProbe.classPathWithJna(null), LoaderProbe.class, Map.of());
        LoaderProbe.assertFails(text, "class path", "net.java.dev.jna:jna:" + JnaCheck.VERSION);
    }

    @Test
    void versionIsThatOfThePom() throws Exception {
        assertTrue(Files.readString(Path.of("pom.xml")).contains(
                "<artifactId>jna</artifactId>\n      <version>" + JnaCheck.VERSION + "</version>"));
    }

    @ParameterizedTest
    @CsvSource({"5.18.1,false", "5.18.0,true", "5.17.9,true", "4.99.99,true", "5.19,false", "6,false", "5,true",
        "10.0.0,false", "unknown,true"})
    void isOlder(String version, boolean older) {
        assertEquals(older, JnaCheck.isOlder(version));
    }

    private static Path old(String version) {
        return Path.of(System.getProperty("jna.old"), "jna-" + version + ".jar");
    }
}
