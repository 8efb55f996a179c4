package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.ResourceBundle;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests what is forwarded to the loggers, here those of {@code java.util.logging}, and what is not. */
class LoggingIT {
    private static final String PASSPORT = "/checks/passport";
    private static final String PASSWORD = "correct horse";

    /** A strong reference, because a logger without one loses its level. */
    private final Logger root = Logger.getLogger("io.github.libdcs");
    private final Logger tls = Logger.getLogger("io.github.libdcs.tls");
    private final List<LogRecord> records = Collections.synchronizedList(new ArrayList<>());
    private final RecordHandler handler = new RecordHandler();

    @BeforeEach
    void listen() {
        root.setUseParentHandlers(false);
        root.addHandler(handler);
    }

    @AfterEach
    void stop() {
        root.removeHandler(handler);
        root.setLevel(null);
        root.setUseParentHandlers(true);
        tls.setLevel(null);
    }

    @Test
    void stepsOfACallAtDebug() {
        root.setLevel(Level.FINE);
        try (DcsClient client = Testbed.builder("tls12_close", PASSPORT).build()) {
            assertLogged("files FINE", Testbed.file("ca_bundle").toString());
            records.clear();
            client.status();
            assertLogged("dns FINE", "localhost is at ");
            assertLogged("tcp FINE", "connected");
            assertLogged("tls FINE", "handshake done: TLSv1.2, TLS_");
            assertLogged("http FINE", "GET " + PASSPORT);
            assertLogged("client FINE", "HTTP 200");
            assertFalse(lines().contains("bytes read"), lines());
            List<Integer> levels = records.stream().map(r -> r.getLevel().intValue()).collect(Collectors.toList());
            assertTrue(levels.stream().allMatch(level -> level == Level.FINE.intValue()), lines());
        }
        records.clear();
        Testbed.builder("tls12_close", PASSPORT).diagnose();
        assertLogged("tls FINE", "handshake done: TLSv1.2, TLS_");
    }

    @Test
    void sourceIsTheCalledMethod() {
        root.setLevel(Level.FINER);
        try (DcsClient client = Testbed.builder("tls12_close", PASSPORT).build()) {
            assertSource(DcsClient.Builder.class, "build");
            client.status();
            assertSource(DcsClient.class, "status");
            client.statusAsync().join();
            assertSource(DcsClient.class, "status");
            client.reload();
            assertSource(DcsClient.class, "reload");
        }
        Testbed.builder("tls12_close", PASSPORT).diagnose();
        assertSource(DcsClient.Builder.class, "diagnose");
    }

    /** Checks all records, and clears them. */
    private void assertSource(Class<?> type, String method) {
        synchronized (records) {
            assertFalse(records.isEmpty());
            for (LogRecord record : records) {
                assertEquals(type.getName(), record.getSourceClassName(), record.getMessage());
                assertEquals(method, record.getSourceMethodName(), record.getMessage());
            }
            records.clear();
        }
    }

    @Test
    void bytesAtTrace() {
        root.setLevel(Level.FINER);
        call();
        assertLogged("tcp FINER", "bytes read");
        assertLogged("client FINE", "HTTP 200");
    }

    @Test
    void failuresAtDebugOnly() {
        root.setLevel(Level.FINE);
        try (DcsClient client = Testbed.builder("tls12_close", "/404").build()) {
            assertThrows(DcsServiceException.class, client::status);
        }
        assertLogged("client FINE", "DCS_ERR_NOT_FOUND");
        records.clear();
        assertThrows(DcsConfigException.class,
                () -> Testbed.builder("tls12_close", "/").caBundle(Testbed.file("missing")).build());
        assertLogged("client FINE", "DCS_ERR_FILE");
    }

    @Test
    void newLevelAppliesFromTheNextCall() {
        try (DcsClient client = Testbed.builder("tls12_close", PASSPORT).build()) {
            client.status();
            assertEquals("", lines());
            root.setLevel(Level.FINE);
            client.status();
            assertLogged("client FINE", "HTTP 200");
            records.clear();
            root.setLevel(Level.INFO);
            client.status();
            root.setLevel(Level.FINE);
            Testbed.builder("tls12_close", PASSPORT).build().close(); // Forwards what would have remained.
            assertFalse(lines().contains("HTTP 200"), lines());
        }
    }

    @Test
    void levelOfOneLogger() {
        tls.setLevel(Level.FINE);
        call();
        assertLogged("tls FINE", "handshake done");
        assertTrue(records.stream().allMatch(r -> r.getLoggerName().endsWith(".tls")), lines());
    }

    @Test
    void expiredCertificateIsAWarning() {
        build("rejected_expired");
        assertLogged("files WARNING", "expired on ");
        assertEquals(1, records.size(), lines());
        records.clear();
        root.setLevel(Level.OFF);
        build("rejected_expired");
        root.setLevel(Level.FINER);
        build("client"); // Forwards what would have remained.
        assertFalse(lines().contains("expired on "), lines());
    }

    @Test
    void noSecretsAtTrace() throws IOException {
        root.setLevel(Level.ALL);
        try (DcsClient client = Testbed.builder("tls12_close", PASSPORT + "?token=swordfish")
                .privateKey(Testbed.file("client_key_encrypted"))
                .password(PASSWORD.toCharArray())
                .build()) {
            client.status();
        }
        try (DcsClient client = Testbed.builder("tls12_close", PASSPORT)
                .privateKey(Testbed.bytes("client_key"))
                .proxy(URI.create("http://user:hunter2@localhost:1"))
                .build()) {
            assertThrows(DcsNetworkException.class, client::status);
        }
        String text = lines();
        assertLogged("client FINE", "HTTP 200");
        assertLogged("client FINE", "DCS_ERR_PROXY");
        for (String secret : new String[] {PASSWORD, "hunter2", "swordfish", "scheduledOutages"}) {
            assertFalse(text.contains(secret), text);
        }
        MessageAssertions.assertContainsNothingOf(Testbed.file("client_key"), text);
        MessageAssertions.assertContainsNothingOf(Testbed.file("client_key_encrypted"), text);
    }

    @Test
    void loggerThatThrows() {
        root.setLevel(Level.FINE);
        for (Throwable thrown : new Throwable[] {new IllegalStateException("full"), new AssertionError("broken")}) {
            handler.thrown = thrown;
            try (DcsClient client = Testbed.builder("tls12_close", PASSPORT).build();
                    DcsClient failing = Testbed.builder("tls12_close", "/404").build()) {
                assertTrue(client.status().available());
                assertEquals(DcsCode.NOT_FOUND, assertThrows(DcsServiceException.class, failing::status).code());
            }
            handler.thrown = null;
            call();
            assertLogged("client FINE", "HTTP 200"); // Nothing remained.
            assertFalse(lines().contains("NOT_FOUND"), lines());
            records.clear();
        }
    }

    @Test
    void loggerThatCallsTheLibrary() {
        try (DcsClient client = Testbed.builder("tls12_close", PASSPORT).build()) {
            root.setLevel(Level.FINE);
            handler.action = client::status; // What a logger calls makes no records.
            assertTrue(client.status().available());
            handler.action = null;
        }
        assertLogged("client FINE", "HTTP 200");
        assertEquals(1, records.stream().filter(r -> r.getMessage().contains("HTTP 200")
                && r.getLoggerName().endsWith(".client")).count(), lines());
    }

    @Test
    void concurrentCallsLoseNoRecord() {
        root.setLevel(Level.FINE);
        int count = 200;
        try (DcsClient client = Testbed.builder("tls12_keepalive", PASSPORT).build()) {
            List<CompletableFuture<DcsStatus>> calls = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                calls.add(client.statusAsync());
            }
            calls.forEach(CompletableFuture::join);
        }
        assertEquals(count, records.stream().filter(r -> r.getLoggerName().endsWith(".client")
                && r.getMessage().contains("HTTP 200")).count());
    }

    @Test
    void printsNothingByDefault() throws Exception {
        assertEquals("", ChildJvm.run(Quiet.class, Map.of()));
    }

    @Test
    void printsAnExpiredCertificateByDefault() throws Exception {
        String text = ChildJvm.run(Expired.class, Map.of(), "-Duser.language=en");
        assertEquals(1, text.split("expired on ", -1).length - 1, text);
        assertTrue(text.contains("WARNING"), text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"getLogger", "isLoggable", "log"})
    void brokenLoggingFramework(String broken, @TempDir Path folder) throws Exception {
        Path services = Files.createDirectories(folder.resolve("META-INF/services"));
        Files.writeString(services.resolve(System.LoggerFinder.class.getName()), Broken.class.getName());
        String classPath = folder + File.pathSeparator + System.getProperty("java.class.path");
        assertEquals("broken as asked", ChildJvm.run(classPath, Quiet.class, Map.of(), "-Dbroken=" + broken));
    }

    private static void call() {
        try (DcsClient client = Testbed.builder("tls12_close", PASSPORT).build()) {
            client.status();
        }
    }

    private static void build(String name) {
        Testbed.withCertificate("tls12_close", PASSPORT, name + "_cert", name + "_key").build().close();
    }

    /** Asserts that a record of a logger and level, such as {@code tls FINE}, contains a text. */
    private void assertLogged(String loggerAndLevel, String text) {
        assertTrue(lines().lines().anyMatch(line -> line.startsWith("io.github.libdcs." + loggerAndLevel + " ")
                && line.contains(text)), loggerAndLevel + " " + text + " is not in:\n" + lines());
    }

    private String lines() {
        synchronized (records) {
            return records.stream()
                    .map(r -> r.getLoggerName() + " " + r.getLevel().getName() + " " + r.getMessage() + "\n")
                    .collect(Collectors.joining());
        }
    }

    /** Collects the records, or throws instead. */
    private final class RecordHandler extends Handler {
        private volatile Throwable thrown;
        private volatile Runnable action;

        @Override
        public void publish(LogRecord record) {
            if (thrown instanceof Error) {
                throw (Error) thrown;
            } else if (thrown != null) {
                throw (RuntimeException) thrown;
            }
            Runnable call = action;
            if (call != null) {
                call.run();
            }
            record.getSourceClassName(); // Determined now, from the stack.
            records.add(record);
        }

        @Override
        public void flush() {
        }

        @Override
        public void close() {
        }
    }

    /** A logging framework in which the method fails that the property {@code broken} names. */
    public static final class Broken extends System.LoggerFinder implements System.Logger {
        private static final String METHOD = System.getProperty("broken");
        private static final AtomicBoolean PRINTED = new AtomicBoolean();

        /** The JDK logs too, and an exception from its native code would not be caught by libdcs. */
        private final boolean ours;

        /** For the service loader. */
        public Broken() {
            this(false);
        }

        private Broken(boolean ours) {
            this.ours = ours;
        }

        private static void call(String method, boolean fails) {
            if (fails && method.equals(METHOD)) {
                if (PRINTED.compareAndSet(false, true)) {
                    System.out.println("broken as asked");
                }
                throw new NoClassDefFoundError("org/example/Appender");
            }
        }

        @Override
        public System.Logger getLogger(String name, Module module) {
            boolean libdcs = name.startsWith("io.github.libdcs");
            call("getLogger", libdcs);
            return new Broken(libdcs);
        }

        @Override
        public String getName() {
            return "broken";
        }

        @Override
        public boolean isLoggable(System.Logger.Level level) {
            call("isLoggable", ours);
            return true;
        }

        @Override
        public void log(System.Logger.Level level, ResourceBundle bundle, String text, Throwable thrown) {
            call("log", ours);
        }

        @Override
        public void log(System.Logger.Level level, ResourceBundle bundle, String format, Object... parameters) {
            call("log", ours);
        }
    }

    /** Makes calls that succeed and fail, and prints nothing. */
    static final class Quiet {
        private Quiet() {
        }

        public static void main(String[] arguments) {
            try (DcsClient client = Testbed.builder("tls12_close", PASSPORT).build();
                    DcsClient failing = Testbed.builder("tls12_close", "/404").build()) {
                assertTrue(client.status().available());
                assertTrue(client.statusAsync().join().available());
                assertThrows(DcsServiceException.class, failing::status);
            }
            assertThrows(DcsConfigException.class,
                    () -> Testbed.builder("tls12_close", "/").caBundle(Testbed.file("missing")).build());
            assertTrue(Testbed.builder("tls12_close", PASSPORT).diagnose().ok());
            assertFalse(Testbed.builder("server_expired", PASSPORT).diagnose().ok());
        }
    }

    /** Creates a client with an expired certificate. */
    static final class Expired {
        private Expired() {
        }

        public static void main(String[] arguments) {
            build("rejected_expired");
        }
    }
}
