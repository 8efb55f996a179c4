package io.github.libdcs;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.LongConsumer;

/**
 * Measures the overhead of the binding in nanoseconds and bytes of Java heap; not a contender. It is in the library's
 * package, because what it measures is not public.
 *
 * <pre>java -cp 'target/bench/java/jars/*' io.github.libdcs.BindingOverhead \
 *     URL CA_BUNDLE CERTIFICATE_CHAIN PRIVATE_KEY</pre>
 *
 * <p>The server of the URL should keep connections alive. The last two lines measure whole calls. The last one
 * subtracts the time that the library reports for the call. What remains is the binding, the native function's own
 * start and end, and up to a microsecond of rounding.
 */
final class BindingOverhead {
    private static final int BATCHES = 200;
    private static final int BATCH = 1000;
    private static final int CALLS = 20_000;

    private BindingOverhead() {
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 4) {
            System.err.println("arguments: URL CA_BUNDLE CERTIFICATE_CHAIN PRIVATE_KEY");
            System.exit(2);
        }
        try (DcsClient client = DcsClient.builder()
                .url(URI.create(arguments[0]))
                .caBundle(Path.of(arguments[1]))
                .certificate(Path.of(arguments[2]))
                .privateKey(Path.of(arguments[3]))
                .build()) {
            Cancellation call = new Cancellation();
            long address = client.handle.enter(call);
            long[] response = new long[1];
            try {
                ErrorDetails.check(LibDcs.dcs_status(address, response, new long[1]), "The status call", new long[1]);
                parts(response[0]);
            } finally {
                LibDcs.dcs_status_response_free(response[0]);
                client.handle.leave(call);
            }
            calls(client);
        }
    }

    private static void parts(long response) {
        batches("a native call with no argument", i -> LibDcs.dcs_abi_version());
        batches("a native call with one argument", i -> LibDcs.dcs_status_response_available(response));
        batches("a text of the response (the cipher)",
                i -> NativeText.decode(LibDcs.dcs_status_response_tls_cipher(response)));
        batches("a whole response copied", i -> DcsStatus.read(response));
        batches("the loggers' levels", i -> LogBridge.during(() -> null));
    }

    /** Prints the median of many batches. */
    private static void batches(String what, LongConsumer operation) {
        double[] each = new double[BATCHES];
        long allocated = 0;
        for (int round = 0; round < 2; round++) { // The first one warms up.
            long before = allocatedBytes();
            for (int i = 0; i < BATCHES; i++) {
                long start = System.nanoTime();
                for (int j = 0; j < BATCH; j++) {
                    operation.accept(j);
                }
                each[i] = (double) (System.nanoTime() - start) / BATCH;
            }
            allocated = (allocatedBytes() - before) / (BATCHES * BATCH);
        }
        print(what, each, allocated);
    }

    private static void calls(DcsClient client) {
        double[] whole = new double[CALLS];
        double[] beyond = new double[CALLS];
        long allocated = 0;
        for (int round = 0; round < 2; round++) {
            long before = allocatedBytes();
            for (int i = 0; i < CALLS; i++) {
                long start = System.nanoTime();
                DcsStatus status = client.status();
                whole[i] = System.nanoTime() - start;
                beyond[i] = whole[i] - status.connection().totalTime().toNanos();
            }
            allocated = (allocatedBytes() - before) / CALLS;
        }
        print("a warm call", whole, allocated);
        print("a warm call, less the library's own time", beyond, allocated);
    }

    private static long allocatedBytes() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return threads.getThreadAllocatedBytes(Thread.currentThread().getId());
    }

    private static void print(String what, double[] nanoseconds, long bytes) {
        double[] sorted = nanoseconds.clone();
        Arrays.sort(sorted);
        System.out.printf(Locale.ROOT, "%-42s %8.0f ns %6d B%n", what, sorted[sorted.length / 2], bytes);
    }
}
