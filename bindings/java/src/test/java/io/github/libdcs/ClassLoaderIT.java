package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.lang.ref.WeakReference;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Tests applications that are loaded and unloaded in one JVM, as a servlet container does. */
class ClassLoaderIT {
    @Test
    void fortyApplicationsAreUnloaded() throws Exception {
        String text = ChildJvm.run(Redeploy.class, Map.of(), "-Xmx200m",
                "-Dlibdcs.jar=" + System.getProperty("libdcs.jar"));
        assertEquals("unloaded 40, copies 1", text);
    }

    /** Uses the library in one class loader after the other, on a thread that lives on, and waits until all are freed. */
    static final class Redeploy {
        /** JNA's own thread lives on for 30 seconds. */
        private static final long DEADLINE_MS = 180_000;

        private Redeploy() {
        }

        public static void main(String[] arguments) throws Exception {
            List<URL> jars = new ArrayList<>(List.of(Path.of(System.getProperty("libdcs.jar")).toUri().toURL()));
            for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
                if (Path.of(entry).getFileName().toString().startsWith("jna-")) {
                    jars.add(Path.of(entry).toUri().toURL());
                }
            }
            assertEquals(2, jars.size(), jars.toString());
            List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                loaders.add(new WeakReference<>(runApplication(jars.toArray(new URL[0]))));
            }
            long deadline = System.currentTimeMillis() + DEADLINE_MS;
            long left = loaders.size();
            while (left > 0 && System.currentTimeMillis() < deadline) {
                System.gc();
                Thread.sleep(500);
                left = loaders.stream().filter(loader -> loader.get() != null).count();
            }
            long copies;
            try (Stream<String> mappings = Files.lines(Path.of("/proc/self/maps"))) {
                copies = mappings.filter(line -> line.contains("libdcs-unpacked-") && line.contains(" r-xp ")).count();
            }
            System.out.println("unloaded " + (loaders.size() - left) + ", copies " + copies);
        }

        /** Returns the loader of an application that has ended. */
        private static ClassLoader runApplication(URL[] jars) throws Exception {
            try (URLClassLoader loader = new URLClassLoader(jars, ClassLoader.getPlatformClassLoader())) {
                Class<?> type = loader.loadClass(DcsClient.class.getName());
                Object builder = type.getMethod("builder").invoke(null);
                Class<?> builderType = builder.getClass();
                builderType.getMethod("url", URI.class).invoke(builder, Testbed.url("tls12_close", "/checks/passport"));
                for (String option : List.of("caBundle", "certificate", "privateKey")) {
                    String name = option.equals("caBundle") ? "ca_bundle"
                            : option.equals("certificate") ? "client_cert" : "client_key";
                    builderType.getMethod(option, Path.class).invoke(builder, Testbed.file(name));
                }
                Object client = builderType.getMethod("build").invoke(builder);
                Object status = type.getMethod("status").invoke(client);
                assertEquals(true, status.getClass().getMethod("available").invoke(status));
                ((CompletableFuture<?>) type.getMethod("statusAsync").invoke(client)).join();
                type.getMethod("close").invoke(client);
                return loader;
            }
        }
    }

    @Test
    void bindsAgainAfterTheLastUse() {
        for (int i = 0; i < 3; i++) {
            DcsClient client = Testbed.builder("tls12_close", "/checks/passport").build();
            assertTrue(client.status().available());
            client.close();
            assertThrows(IllegalStateException.class, client::status);
            assertThrows(CompletionException.class, client.statusAsync()::join);
            assertEquals("DcsClient[closed]", client.toString());
        }
    }

    @Test
    void threadsBindAndUnbind() throws Exception {
        assertEquals("done", ChildJvm.run(BindOnThreads.class, Map.of()));
    }

    /** Creates and closes clients on many threads, so that the last use of one is often the first of another. */
    static final class BindOnThreads {
        private BindOnThreads() {
        }

        public static void main(String[] arguments) throws Exception {
            List<Throwable> failures = new ArrayList<>();
            Thread[] threads = new Thread[4];
            Arrays.setAll(threads, i -> new Thread(() -> {
                for (int j = 0; j < 100; j++) {
                    DcsClient.builder().caBundle(Testbed.file("ca_bundle")).build().close();
                    assertThrows(DcsConfigException.class, () -> DcsKeys.toPkcs8Der(new byte[1], null));
                }
            }));
            for (Thread thread : threads) {
                thread.setUncaughtExceptionHandler((which, failure) -> {
                    synchronized (failures) {
                        failures.add(failure);
                    }
                });
                thread.start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            System.out.println(failures.isEmpty() ? "done" : failures.toString());
        }
    }

    @Test
    void interruptedThreadLoadsTheLibrary() throws Exception {
        assertEquals("loaded, interrupted", ChildJvm.run(LoadInterrupted.class, Map.of()));
    }

    /** Loads the library on a thread that is interrupted. */
    static final class LoadInterrupted {
        private LoadInterrupted() {
        }

        public static void main(String[] arguments) {
            Thread.currentThread().interrupt();
            DcsClient.builder();
            System.out.println("loaded, " + (Thread.interrupted() ? "interrupted" : "not interrupted"));
        }
    }
}
