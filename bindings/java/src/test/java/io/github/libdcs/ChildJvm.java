package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A JVM of its own, for what is decided once per process: the native library and the environment. */
final class ChildJvm {
    private ChildJvm() {
    }

    /**
     * Runs {@code main} with the tests' class path.
     *
     * @return what it printed, on both streams; it must have ended well
     */
    static String run(Class<?> main, Map<String, String> environment, String... options) throws Exception {
        return run(System.getProperty("java.class.path"), main, environment, options);
    }

    static String run(String classPath, Class<?> main, Map<String, String> environment, String... options)
            throws Exception {
        List<String> command = new ArrayList<>(java());
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", classPath, main.getName()));
        return execute(environment, command);
    }

    /** This JVM's own program, and what keeps it from warning of JNA. */
    static List<String> java() {
        String program = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return Runtime.version().feature() < 24 ? List.of(program)
                : List.of(program, "--enable-native-access=ALL-UNNAMED");
    }

    /** Runs a command to its good end, and returns what it printed. */
    static String execute(Map<String, String> environment, List<String> command) throws Exception {
        Path output = Files.createTempFile("libdcs-child", ".txt");
        try {
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.redirectErrorStream(true).redirectOutput(output.toFile());
            builder.environment().keySet().removeIf(name -> name.startsWith("DCS_") && !name.equals("DCS_TESTBED"));
            builder.environment().putAll(environment);
            Process process = builder.start();
            try {
                assertTrue(process.waitFor(120, TimeUnit.SECONDS), "still running: " + command);
            } finally {
                process.destroyForcibly();
            }
            String text = read(output);
            assertEquals(0, process.exitValue(), text);
            return text;
        } finally {
            Files.delete(output);
        }
    }

    private static String read(Path file) throws IOException {
        return Files.readString(file).strip();
    }
}
