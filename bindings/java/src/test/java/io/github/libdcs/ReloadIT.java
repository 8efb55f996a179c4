package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests certificate rotation: files that change while a client uses them. */
class ReloadIT {
    private static final String PASSPORT = "/checks/passport";

    @TempDir
    private Path folder;

    @Test
    void reloadUsesTheNewFiles() throws Exception {
        put("rejected_expired");
        try (DcsClient client = builder().build()) {
            assertEquals(DcsCode.CLIENT_CERT_REJECTED, assertThrows(DcsTlsException.class, client::status).code());
            assertEquals(notAfter("rejected_expired_cert"), client.certificateNotAfter());
            put("client");
            assertThrows(DcsTlsException.class, client::status);
            client.reload();
            assertTrue(client.status().available());
            assertEquals(notAfter("client_cert"), client.certificateNotAfter());
        }
    }

    @Test
    void invalidFileKeepsThePreviousFiles() throws Exception {
        put("client");
        try (DcsClient client = builder().build()) {
            Files.copy(Testbed.file("ec_p256_cert"), certificate(), StandardCopyOption.REPLACE_EXISTING);
            DcsConfigException e = assertThrows(DcsConfigException.class, client::reload);
            assertEquals(DcsCode.KEY_MISMATCH, e.code());
            MessageAssertions.assertTraceShowsHint(e);
            assertTrue(client.status().available());
            assertEquals(notAfter("client_cert"), client.certificateNotAfter());
        }
    }

    @Test
    void reloadInterval() throws Exception {
        put("rejected_expired");
        try (DcsClient client = builder().reloadInterval(Duration.ofMillis(1)).build()) {
            assertThrows(DcsTlsException.class, client::status);
            put("client");
            while (!client.certificateNotAfter().equals(notAfter("client_cert"))) {
                try {
                    client.status();
                } catch (DcsTlsException e) {
                    assertEquals(DcsCode.CLIENT_CERT_REJECTED, e.code()); // It has not checked the files yet.
                }
            }
            assertTrue(client.status().available());
        }
    }

    @Test
    void reloadIntervalOfZero() throws Exception {
        put("rejected_expired");
        try (DcsClient client = builder().reloadInterval(Duration.ZERO).build()) {
            put("client");
            for (int i = 0; i < 5; i++) {
                assertThrows(DcsTlsException.class, client::status);
            }
        }
    }

    @Test
    void reloadWithoutFiles() {
        try (DcsClient client = DcsClient.builder()
                .url(Testbed.url("tls12_close", PASSPORT))
                .caBundle(Testbed.bytes("ca_bundle"))
                .build()) {
            DcsConfigException e = assertThrows(DcsConfigException.class, client::reload);
            assertEquals(DcsCode.INVALID_ARGUMENT, e.code());
            MessageAssertions.assertTraceShowsHint(e);
            assertEquals(Optional.empty(), client.certificateNotAfter());
        }
    }

    @Test
    void closedClient() {
        DcsClient client = Testbed.builder("tls12_close", PASSPORT).build();
        client.close();
        assertThrows(IllegalStateException.class, client::reload);
        assertThrows(IllegalStateException.class, client::interrupt);
        assertThrows(IllegalStateException.class, client::certificateNotAfter);
    }

    private DcsClient.Builder builder() {
        return Testbed.builder("tls12_close", PASSPORT).certificate(certificate()).privateKey(folder.resolve("key"));
    }

    private Path certificate() {
        return folder.resolve("certificate");
    }

    private void put(String name) throws IOException {
        Files.copy(Testbed.file(name + "_cert"), certificate(), StandardCopyOption.REPLACE_EXISTING);
        Files.copy(Testbed.file(name + "_key"), folder.resolve("key"), StandardCopyOption.REPLACE_EXISTING);
    }

    /** Returns the date as the JDK reads it. */
    private static Optional<Instant> notAfter(String name) throws CertificateException {
        X509Certificate certificate = (X509Certificate) CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(Testbed.bytes(name)));
        return Optional.of(certificate.getNotAfter().toInstant());
    }
}
