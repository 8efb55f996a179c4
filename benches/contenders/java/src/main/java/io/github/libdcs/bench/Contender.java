package io.github.libdcs.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.Supplier;

/** Implements the protocol of benches/README.md: reads commands, makes calls on threads and measures them. */
final class Contender {
    /** The most concurrent calls, for the size of connection pools. */
    static final int MAX_THREADS = 64;

    private static final String AVAILABLE = "\"available\":true";

    private Contender() {
    }

    /** The program's arguments. */
    static final class Target {
        final URI url;
        final Path caBundle;
        final Path chain;
        final Path key;

        private Target(String[] arguments) {
            url = URI.create(arguments[0]);
            caBundle = Path.of(arguments[1]);
            chain = Path.of(arguments[2]);
            key = Path.of(arguments[3]);
        }
    }

    /** Makes one call and checks its response. Many threads use it at once. */
    interface Call {
        void make() throws Exception;
    }

    /** Creates what is shared by all calls. */
    interface Variant {
        Call start(Target target) throws Exception;
    }

    /** Runs a contender's whole program. Does not return. */
    static void main(String[] arguments, Map<String, Variant> variants, Supplier<Map<String, String>> versions) {
        boolean once = arguments.length == 6 && arguments[5].equals("once");
        if (arguments.length != (once ? 6 : 5) || !variants.containsKey(arguments[4])) {
            System.err.println("arguments: URL CA_BUNDLE CERTIFICATE_CHAIN PRIVATE_KEY "
                    + String.join("|", variants.keySet()) + " [once]");
            System.exit(2);
        }
        try {
            Call call = variants.get(arguments[4]).start(new Target(arguments));
            if (once) {
                call.make();
            } else {
                runCommands(call, versions);
            }
        } catch (Throwable e) {
            fail(e);
        }
        // A library's own threads could delay the exit.
        System.exit(0);
    }

    /** Throws unless the response is the expected one. */
    static void check(int status, String body) {
        if (status != 200 || !body.contains(AVAILABLE)) {
            throw new IllegalStateException("the answer is not the expected one: HTTP " + status + ", " + body);
        }
    }

    /** As {@link #check(int, String)}, without detecting the encoding. */
    static void check(int status, byte[] body) {
        check(status, new String(body, StandardCharsets.ISO_8859_1));
    }

    /** Runs the commands from standard input until it ends. */
    private static void runCommands(Call call, Supplier<Map<String, String>> versions) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            if (line.equals("quit")) {
                return;
            } else if (line.equals("versions")) {
                out.println(json(versions.get()));
            } else if (words.length == 3 && words[0].equals("run")) {
                out.println(run(call, number(words[1], line), number(words[2], line)));
            } else {
                throw new IOException("not a command: " + line);
            }
            out.flush();
        }
    }

    private static int number(String word, String line) throws IOException {
        try {
            int number = Integer.parseInt(word);
            if (number > 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            // The same message.
        }
        throw new IOException("not a command: " + line);
    }

    /** Makes the first share of the calls on this thread, so that a run with one thread starts none. */
    private static String run(Call call, int calls, int threads) throws Exception {
        // getProcessCpuTime counts in hundredths of a second, which is precise enough for a run of half a second.
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long[][] latencies = new long[threads][];
        for (int i = 0; i < threads; i++) {
            latencies[i] = new long[calls / threads + (i < calls % threads ? 1 : 0)];
        }
        long cpu = system.getProcessCpuTime();
        long start = System.nanoTime();
        List<Thread> others = new ArrayList<>();
        for (int i = 1; i < threads; i++) {
            long[] share = latencies[i];
            Thread thread = new Thread(() -> {
                try {
                    measure(call, share);
                } catch (Throwable e) {
                    fail(e);
                }
            });
            thread.start();
            others.add(thread);
        }
        measure(call, latencies[0]);
        for (Thread thread : others) {
            thread.join();
        }
        long wall = System.nanoTime() - start;
        cpu = system.getProcessCpuTime() - cpu;

        StringBuilder result = new StringBuilder("{\"latencies_ns\":[");
        String comma = "";
        for (long[] share : latencies) {
            for (long latency : share) {
                result.append(comma).append(latency);
                comma = ",";
            }
        }
        return result.append("],\"wall_ns\":").append(wall).append(",\"cpu_ns\":").append(cpu).append('}').toString();
    }

    private static void measure(Call call, long[] latencies) throws Exception {
        long start = System.nanoTime();
        for (int i = 0; i < latencies.length; i++) {
            call.make();
            long end = System.nanoTime();
            latencies[i] = end - start;
            start = end;
        }
    }

    /** Returns a JSON object. Versions contain no character that JSON escapes. */
    private static String json(Map<String, String> values) {
        StringJoiner members = new StringJoiner(",", "{", "}");
        values.forEach((name, value) -> members.add("\"" + name + "\":\"" + value + "\""));
        return members.toString();
    }

    /** Ends the program with the error and its causes on one line. */
    private static void fail(Throwable e) {
        StringBuilder message = new StringBuilder(e.toString());
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            message.append(": ").append(cause);
        }
        System.err.println(message.toString().replaceAll("\\s+", " "));
        // Not exit, which would wait for the main thread if that exits too.
        Runtime.getRuntime().halt(1);
    }
}
