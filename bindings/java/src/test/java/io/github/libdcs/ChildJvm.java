package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Runs a separate JVM, for what is decided once per process: the native library and the environment. */
final class ChildJvm {
    private ChildJvm() {
    }

    /**
     * Runs a main class with the tests' class path.
     *
     * @return its output on both streams; it must exit with status 0
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

    /** Returns this JVM's own program, with the option that prevents its warning about JNA. */
    static List<String> java() {
        String program = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return Runtime.version().feature() < 24 ? List.of(program)
                : List.of(program, "--enable-native-access=ALL-UNNAMED");
    }

    /** Runs a command, which must exit with status 0, and returns its output. */
    static String execute(Map<String, String> environment, List<String> command) throws Exception {
        Path output = Files.createTempFile("libdcs-child", ".txt");
        try {
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.redirectErrorStream(true).redirectOutput(output.toFile());
            builder.environment().keySet().removeIf(name -> name.startsWith("DCS_") && !name.equals("DCS_TESTBED"));
            builder.environment().putAll(environment);
            Process process = builder.start();
            int status;
            try {
                status = process.waitFor();
            } finally {
                process.destroyForcibly();
            }
            String text = Files.readString(output).strip();
            assertEquals(0, status, text);
            return text;
        } finally {
            Files.delete(output);
        }
    }
}
