package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

/** A main class that loads the library and prints the result. */
final class LoaderProbe {
    static final String VERSION = System.getProperty("libdcs.version");
    static final String LOADED = "loaded " + VERSION;

    private LoaderProbe() {
    }

    /** Prints the loaded library's version, or why it cannot be loaded, which must be the same every time. */
    public static void main(String[] arguments) {
        try {
            NativeLoader.enter();
            System.out.println("loaded " + NativeText.decode(LibDcs.dcs_version()));
        } catch (DcsLoadException first) {
            DcsLoadException second = assertThrows(DcsLoadException.class, DcsClient::fromEnvironment);
            assertNotSame(first, second);
            assertEquals(first.getMessage(), second.getMessage());
            assertSame(first.getCause(), second.getCause());
            System.out.println("failed: " + first.getMessage());
        }
    }

    /** Loads the library and halts, without running any shutdown code. */
    static final class AndHalt {
        private AndHalt() {
        }

        public static void main(String[] arguments) {
            DcsClient.builder();
            Runtime.getRuntime().halt(0);
        }
    }

    static String run(String... options) throws Exception {
        return ChildJvm.run(LoaderProbe.class, Map.of(), options);
    }

    static void assertFails(String text, String... parts) {
        assertTrue(text.startsWith("failed: "), text);
        for (String part : parts) {
            assertTrue(text.contains(part), part + " is not in: " + text);
        }
        assertFalse(text.contains(".. "), text);
        assertFalse(text.contains("null"), text);
    }

    /** Returns the tests' class path with another JNA instead of theirs, or none. */
    static String classPathWithJna(Path jna) {
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !Path.of(entry).getFileName().toString().startsWith("jna-"))
                .collect(Collectors.joining(File.pathSeparator));
        return jna == null ? classPath : jna + File.pathSeparator + classPath;
    }
}
