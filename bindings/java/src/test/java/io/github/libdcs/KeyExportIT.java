package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the conversion of private keys against openssl and the JDK. */
class KeyExportIT {
    private static final String PASSWORD = "correct horse";

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "client_key, RSA",
        "client_key_pkcs1, RSA",
        "client_key_encrypted, RSA",
        "client_combined, RSA",
        "ec_p256_key, EC",
        "ec_p384_key, EC",
        "ec_p521_key, EC",
        "ed25519_key, ", // The JDK supports it from Java 15 on.
    })
    void sameAsOpensslAndTheJdk(String name, String algorithm) throws Exception {
        char[] password = name.endsWith("encrypted") ? PASSWORD.toCharArray() : null;
        byte[] expected = openssl(Testbed.file(name), password);
        assertArrayEquals(expected, DcsKeys.toPkcs8Der(Testbed.file(name), password));
        byte[] content = Testbed.bytes(name);
        byte[] der = DcsKeys.toPkcs8Der(content, password);
        assertArrayEquals(expected, der);
        assertArrayEquals(Testbed.bytes(name), content);
        if (algorithm != null) {
            KeyFactory factory = KeyFactory.getInstance(algorithm);
            PrivateKey key = factory.generatePrivate(new PKCS8EncodedKeySpec(der));
            PrivateKey same = factory.generatePrivate(new PKCS8EncodedKeySpec(expected));
            assertEquals(same, key);
            assertEquals("PKCS#8", key.getFormat());
            // The JDK encodes an EC key without its public key, so only RSA keys give the same bytes.
            assertTrue(algorithm.equals("EC") || Arrays.equals(der, key.getEncoded()));
        }
    }

    @Test
    void unusedPassword() {
        byte[] expected = DcsKeys.toPkcs8Der(Testbed.file("client_key"), null);
        assertArrayEquals(expected, DcsKeys.toPkcs8Der(Testbed.file("client_key"), "any".toCharArray()));
    }

    @Test
    void wrongOrMissingPassword() {
        Path file = Testbed.file("client_key_encrypted");
        for (char[] password : new char[][] {null, "battery staple".toCharArray()}) {
            DcsConfigException e = fail(file, password);
            assertEquals(DcsCode.PASSWORD, e.code());
            assertTrue(e.message().contains(file.toString()), e.message());
            assertFalse(e.getMessage().contains("battery"), e.getMessage());
            byte[] content = Testbed.bytes("client_key_encrypted");
            e = assertThrows(DcsConfigException.class, () -> DcsKeys.toPkcs8Der(content, password));
            assertEquals(DcsCode.PASSWORD, e.code());
            assertEquals(Optional.of("DCS_CHECK_KEY_PASSWORD"), e.check());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"garbage", "public_key", "truncated_key", "client_cert", "empty"})
    void invalidKey(String name) {
        DcsConfigException e = fail(Testbed.file(name), null);
        assertEquals(DcsCode.PRIVATE_KEY, e.code());
        assertTrue(e.message().contains(Testbed.file(name).toString()), e.message());
        MessageAssertions.assertContainsNothingOf(Testbed.file(name), e.getMessage());
    }

    @Test
    void unreadableFile() throws Exception {
        Path pipe = folder.resolve("pipe");
        ChildJvm.execute(Map.of(), List.of("mkfifo", pipe.toString()));
        Path large = folder.resolve("large");
        try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
            file.setLength(4 * 1024 * 1024 + 1);
        }
        Map<Path, String> reasons = Map.of(Testbed.file("missing"), "no such file", pipe, "not a regular file",
                Testbed.file("directory"), "is a directory", large, "larger than");
        reasons.forEach((file, reason) -> {
            DcsConfigException e = fail(file, null);
            assertEquals(DcsCode.FILE, e.code());
            assertEquals(Optional.of("DCS_CHECK_FILE_READABLE"), e.check());
            assertTrue(e.message().contains(file.toString()) && e.message().contains(reason), e.message());
        });
    }

    @Test
    void fileInAnArchiveAndNonAsciiPath() throws Exception {
        byte[] expected = DcsKeys.toPkcs8Der(Testbed.file("client_key"), null);
        Path file = Files.write(folder.resolve("cl\u00e9 \u20ac.pem"), Testbed.bytes("client_key"));
        assertArrayEquals(expected, DcsKeys.toPkcs8Der(file, null));
        URI archive = URI.create("jar:" + folder.resolve("files.zip").toUri());
        try (FileSystem zip = FileSystems.newFileSystem(archive, Map.of("create", "true"))) {
            Path inside = Files.write(zip.getPath("/client.key"), Testbed.bytes("client_key"));
            assertThrows(IllegalArgumentException.class, () -> DcsKeys.toPkcs8Der(inside, null));
            assertArrayEquals(expected, DcsKeys.toPkcs8Der(Files.readAllBytes(inside), null));
        }
    }

    @Test
    void passwordWithNul() {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> DcsKeys.toPkcs8Der(Testbed.file("client_key_encrypted"), "correct horse\0".toCharArray()));
        assertFalse(e.getMessage().contains("horse"), e.getMessage());
    }

    @Test
    void convertsDer() throws Exception {
        byte[] der = DcsKeys.toPkcs8Der(Testbed.file("client_key"), null);
        assertArrayEquals(der, DcsKeys.toPkcs8Der(der, null));
        assertArrayEquals(der, DcsKeys.toPkcs8Der(Files.write(folder.resolve("client.der"), der), null));
    }

    private static DcsConfigException fail(Path file, char[] password) {
        DcsConfigException e = assertThrows(DcsConfigException.class, () -> DcsKeys.toPkcs8Der(file, password));
        MessageAssertions.assertTraceShowsHint(e);
        return e;
    }

    private byte[] openssl(Path key, char[] password) throws Exception {
        Path der = folder.resolve("key.der");
        List<String> command = new ArrayList<>(List.of("openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER",
                "-in", key.toString(), "-out", der.toString()));
        if (password != null) {
            command.addAll(List.of("-passin", "pass:" + new String(password)));
        }
        ChildJvm.execute(Map.of(), command);
        return Files.readAllBytes(der);
    }
}
