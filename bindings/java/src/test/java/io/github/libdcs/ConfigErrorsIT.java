package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests invalid options and files, and the exceptions for them. */
class ConfigErrorsIT {
    private static final String PASSPORT = "/checks/passport";
    private static final String PASSWORD = "correct horse";

    @ParameterizedTest
    @CsvSource({
        "missing, FILE",
        "directory, FILE",
        "empty, CA_BUNDLE",
        "garbage, CA_BUNDLE",
        "client_key, CA_BUNDLE",
        "client_cert, CA_BUNDLE",
    })
    void caBundle(String name, DcsCode code) {
        assertRejectsFile(name, code, builder().caBundle(Testbed.file(name)));
    }

    @ParameterizedTest
    @CsvSource({
        "missing, FILE",
        "directory, FILE",
        "empty, CERTIFICATE",
        "garbage, CERTIFICATE",
        "client_key, CERTIFICATE",
        "csr, CERTIFICATE",
        "truncated_cert, CERTIFICATE",
    })
    void certificate(String name, DcsCode code) {
        assertRejectsFile(name, code, builder().certificate(Testbed.file(name)));
    }

    @ParameterizedTest
    @CsvSource({
        "missing, FILE",
        "directory, FILE",
        "empty, PRIVATE_KEY",
        "garbage, PRIVATE_KEY",
        "client_cert, PRIVATE_KEY",
        "public_key, PRIVATE_KEY",
        "truncated_key, PRIVATE_KEY",
        "rsa1024_key, PRIVATE_KEY",
        "client_key_encrypted, PASSWORD",
        "client_key_legacy_encrypted, PASSWORD",
        "other_key, KEY_MISMATCH",
    })
    void privateKey(String name, DcsCode code) {
        assertRejectsFile(name, code, builder().privateKey(Testbed.file(name)));
    }

    @Test
    void invalidContent() {
        DcsConfigException e = fail(builder().privateKey(Testbed.bytes("other_key")));
        assertEquals(DcsCode.KEY_MISMATCH, e.code());
        MessageAssertions.assertContainsNothingOf(Testbed.file("other_key"), e.getMessage());
        assertEquals(DcsCode.CA_BUNDLE, fail(builder().caBundle(new byte[0])).code());
        assertEquals(DcsCode.CERTIFICATE, fail(builder().certificate(new byte[0])).code());
    }

    @Test
    void certificateWithoutKeyAndKeyWithoutCertificate() {
        fail(Testbed.withoutCertificate("tls12_close", PASSPORT).certificate(Testbed.file("client_cert")));
        fail(Testbed.withoutCertificate("tls12_close", PASSPORT).privateKey(Testbed.file("client_key")));
    }

    @Test
    void encryptedKey() {
        char[] password = PASSWORD.toCharArray();
        DcsClient.Builder builder = builder().privateKey(Testbed.file("client_key_encrypted")).password(password);
        Arrays.fill(password, '*'); // The builder has its own copy.
        try (DcsClient client = builder.build()) {
            assertTrue(client.status().available());
        }
        try (DcsClient client = builder().privateKey(Testbed.bytes("client_key_encrypted"))
                .password(PASSWORD.toCharArray())
                .build()) {
            assertTrue(client.status().available());
        }
    }

    @Test
    void wrongOrMissingPassword() {
        String wrong = "battery stapel \u00e9\u20ac\ud83d\udd11";
        DcsClient.Builder encrypted = builder().privateKey(Testbed.file("client_key_encrypted"));
        DcsConfigException e = fail(encrypted.password(wrong.toCharArray()));
        assertEquals(DcsCode.PASSWORD, e.code());
        assertFalse(e.getMessage().contains("battery"), e.getMessage());
        encrypted = builder().privateKey(Testbed.file("client_key_encrypted"));
        assertEquals(DcsCode.PASSWORD, fail(encrypted.password(PASSWORD.toCharArray()).password(null)).code());
    }

    @Test
    void passwordWithNulOrUnpairedSurrogate() {
        for (String password : new String[] {"correct horse\0and more", "half \ud83d", "half \udd11 of a pair"}) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                    () -> DcsClient.builder().password(password.toCharArray()));
            assertFalse(e.getMessage().contains("horse"), e.getMessage());
            assertFalse(e.getMessage().contains("half of a pair"), e.getMessage());
        }
    }

    @Test
    void textThatIsNotUnicode() {
        // Not the URL without the last character, or with another one.
        DcsClient.Builder builder = builder();
        DcsConfigException e = assertThrows(DcsConfigException.class,
                () -> builder.url(URI.create(Testbed.url("tls12_close", PASSPORT) + "?\ud83d")));
        assertEquals(DcsCode.INVALID_ARGUMENT, e.code());
        assertTrue(e.message().contains("url"), e.message());
        assertEquals(DcsCode.INVALID_ARGUMENT, fail(builder).code());
        for (String text : new String[] {"a\0b", "\0", "half \ud83d", "half \udd11"}) {
            assertArrayEquals(new byte[] {(byte) 0xff, 0}, NativeText.encode(text));
        }
        assertArrayEquals(new byte[] {0}, NativeText.encode(""));
        assertArrayEquals(new byte[] {(byte) 0xe2, (byte) 0x82, (byte) 0xac, 0}, NativeText.encode("\u20ac"));
    }

    @Test
    void nullIsReportedWithTheNameOfTheOption() {
        DcsClient.Builder builder = DcsClient.builder();
        Map<String, Executable> calls = Map.ofEntries(
                Map.entry("url", () -> builder.url(null)),
                Map.entry("caBundle", () -> builder.caBundle((Path) null)),
                Map.entry("caBundle ", () -> builder.caBundle((byte[]) null)),
                Map.entry("certificate", () -> builder.certificate((Path) null)),
                Map.entry("certificate ", () -> builder.certificate((byte[]) null)),
                Map.entry("privateKey", () -> builder.privateKey((Path) null)),
                Map.entry("privateKey ", () -> builder.privateKey((byte[]) null)),
                Map.entry("timeout", () -> builder.timeout(null)),
                Map.entry("connectTimeout", () -> builder.connectTimeout(null)),
                Map.entry("reloadInterval", () -> builder.reloadInterval(null)),
                Map.entry("statusMaxAge", () -> builder.statusMaxAge(null)),
                Map.entry("key", () -> DcsKeys.toPkcs8Der((Path) null, null)),
                Map.entry("key ", () -> DcsKeys.toPkcs8Der((byte[]) null, null)));
        calls.forEach((name, call) ->
                assertEquals(name.strip(), assertThrows(NullPointerException.class, call).getMessage()));
        try (DcsClient client = builder().build()) {
            assertEquals("executor",
                    assertThrows(NullPointerException.class, () -> client.statusAsync(null)).getMessage());
        }
    }

    @Test
    void passwordIsEncodedAsUtf8() {
        for (String text : new String[] {"", "a", PASSWORD, "\u00e9\u20ac\ud83d\udd11", "\u20ac".repeat(1000)}) {
            try (SecretMemory memory = SecretMemory.ofPassword(text.toCharArray())) {
                assertEquals(text, NativeText.decode(memory.address()));
                assertEquals(text.getBytes(StandardCharsets.UTF_8).length, memory.length());
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"http://localhost:1/", "localhost", "https://user:hunter2@localhost/", "''"})
    void url(String url) {
        DcsConfigException e =
                assertThrows(DcsConfigException.class, () -> DcsClient.builder().url(URI.create(url)));
        assertEquals(DcsCode.INVALID_ARGUMENT, e.code());
        MessageAssertions.assertTraceShowsHint(e);
        assertFalse(e.getMessage().contains("hunter2"), e.getMessage());
    }

    @Test
    void proxy() {
        DcsConfigException e = assertThrows(DcsConfigException.class,
                () -> DcsClient.builder().proxy(URI.create("socks5://user:hunter2@localhost:1")));
        assertEquals(DcsCode.INVALID_ARGUMENT, e.code());
        assertFalse(e.getMessage().contains("hunter2"), e.getMessage());
        // With null the earlier proxy is not used, whose port is closed.
        try (DcsClient client = builder().proxy(URI.create("http://localhost:1")).proxy(null).build()) {
            assertTrue(client.status().available());
        }
        try (DcsClient client = builder().proxy(URI.create("http://user:hunter2@localhost:1")).build()) {
            DcsNetworkException unreachable = assertThrows(DcsNetworkException.class, client::status);
            assertEquals(DcsCode.PROXY, unreachable.code());
            assertFalse(unreachable.getMessage().contains("hunter2"), unreachable.getMessage());
        }
    }

    @ParameterizedTest
    @CsvSource({"PT0S", "PT-1S", "P50D", "PT2562047788015215H"})
    void timeoutsOutOfRange(Duration limit) {
        for (DcsConfigException e : new DcsConfigException[] {
            assertThrows(DcsConfigException.class, () -> DcsClient.builder().timeout(limit)),
            assertThrows(DcsConfigException.class, () -> DcsClient.builder().connectTimeout(limit))
        }) {
            assertEquals(DcsCode.INVALID_ARGUMENT, e.code());
            assertTrue(e.message().contains("timeout"), e.message());
        }
    }

    @Test
    void timeoutsInRange() {
        for (String limit : new String[] {"PT0.000000001S", "PT0.001S", "PT20S", "PT1193H"}) {
            DcsClient.builder().timeout(Duration.parse(limit)).connectTimeout(Duration.parse(limit));
        }
        try (DcsClient client = builder()
                .timeout(Duration.ofMinutes(20))
                .connectTimeout(Duration.ofMinutes(5))
                .build()) {
            assertTrue(client.status().available());
        }
    }

    @Test
    void fileInAnArchive(@TempDir Path folder) throws IOException {
        URI archive = URI.create("jar:" + folder.resolve("files.zip").toUri());
        try (FileSystem zip = FileSystems.newFileSystem(archive, Map.of("create", "true"))) {
            Path inside = Files.write(zip.getPath("/client.pem"), Testbed.bytes("client_cert"));
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                    () -> DcsClient.builder().certificate(inside));
            assertTrue(e.getMessage().contains("client.pem"), e.getMessage());
        }
    }

    @Test
    void nonAsciiPath(@TempDir Path folder) throws IOException {
        Path missing = folder.resolve("cl\u00e9 priv\u00e9e \u20ac.pem");
        DcsConfigException e = fail(builder().privateKey(missing));
        assertEquals(DcsCode.FILE, e.code());
        assertTrue(e.message().contains(missing.toString()), e.message());
        Files.write(missing, Testbed.bytes("client_key"));
        try (DcsClient client = builder().privateKey(missing).build()) {
            assertTrue(client.status().available());
        }
    }

    @Test
    void builderIsUsedOnce() {
        DcsClient.Builder builder = builder();
        builder.build().close();
        assertThrows(IllegalStateException.class, builder::build);
        assertThrows(IllegalStateException.class, () -> builder.url(URI.create("https://localhost/")));
        assertThrows(IllegalStateException.class, () -> builder.password(PASSWORD.toCharArray()));

        DcsClient.Builder failed = builder().privateKey(Testbed.file("other_key"));
        assertThrows(DcsConfigException.class, failed::build);
        assertThrows(IllegalStateException.class, failed::build);
    }

    @Test
    void rejectedOptionIsReportedAgain() {
        DcsClient.Builder builder = builder();
        DcsConfigException rejected =
                assertThrows(DcsConfigException.class, () -> builder.url(URI.create("http://localhost/")));
        DcsConfigException again = fail(builder);
        assertEquals(DcsCode.INVALID_ARGUMENT, again.code());
        assertTrue(again.message().contains(rejected.message()), again.message());

        DcsClient.Builder corrected = builder();
        assertThrows(DcsConfigException.class, () -> corrected.timeout(Duration.ZERO));
        corrected.timeout(Duration.ofMinutes(20)).build().close();
    }

    @Test
    void noSecretsInToString() {
        DcsClient.Builder builder = builder().privateKey(Testbed.bytes("client_key_encrypted"))
                .password(PASSWORD.toCharArray())
                .proxy(URI.create("http://user:hunter2@localhost:1"));
        assertFalse(builder.toString().contains(PASSWORD));
        try (DcsClient client = builder.build()) {
            for (String text : new String[] {builder.toString(), client.toString()}) {
                assertNotNull(text);
                assertFalse(text.contains(PASSWORD) || text.contains("hunter2"), text);
            }
        }
    }

    private static DcsClient.Builder builder() {
        return Testbed.builder("tls12_close", PASSPORT);
    }

    private static DcsConfigException fail(DcsClient.Builder builder) {
        DcsConfigException e = assertThrows(DcsConfigException.class, builder::build);
        MessageAssertions.assertTraceShowsHint(e);
        return e;
    }

    private static void assertRejectsFile(String name, DcsCode code, DcsClient.Builder builder) {
        Path file = Testbed.file(name);
        DcsConfigException e = fail(builder);
        assertEquals(code, e.code(), e.getMessage());
        assertTrue(e.message().contains(file.toString()), e.message());
        MessageAssertions.assertContainsNothingOf(file, e.getMessage());
    }
}
