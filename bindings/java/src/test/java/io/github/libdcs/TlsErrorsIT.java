package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the three messages of the service's documentation, and other failures of certificates and TLS. */
class TlsErrorsIT {
    private static final String PASSPORT = "/checks/passport";

    @ParameterizedTest
    @ValueSource(strings = {"tls12_close", "tls12_keepalive", "tls13_close", "tls13_keepalive"})
    void noCertificateOnNginx(String listener) {
        DcsTlsException e = fail(Testbed.withoutCertificate(listener, PASSPORT));
        assertEquals(DcsCode.CLIENT_CERT_REQUIRED, e.code());
        assertEquals(OptionalInt.of(400), e.httpStatus());
    }

    @ParameterizedTest
    @CsvSource({"apache_tls12, 40", "apache_tls13, 116"})
    void noCertificateOnApache(String listener, int alert) {
        DcsTlsException e = fail(Testbed.withoutCertificate(listener, PASSPORT));
        assertEquals(DcsCode.CLIENT_CERT_REQUIRED, e.code());
        assertEquals(OptionalInt.of(alert), e.tlsAlert());
        assertEquals(OptionalInt.empty(), e.httpStatus());
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "rejected_wrong_ca", "rejected_expired", "rejected_not_yet_valid", "rejected_self_signed",
        "rejected_revoked", "rejected_no_client_auth", "rejected_missing_intermediate", "rejected_too_deep"
    })
    void rejectedCertificate(String name) {
        for (String listener : new String[] {"tls12_close", "tls13_close"}) {
            DcsTlsException e =
                    fail(Testbed.withCertificate(listener, PASSPORT, name + "_cert", name + "_key"));
            assertEquals(DcsCode.CLIENT_CERT_REJECTED, e.code(), listener);
            assertEquals(OptionalInt.of(400), e.httpStatus(), listener);
        }
    }

    @ParameterizedTest
    @CsvSource({"rejected_wrong_ca, 48", "rejected_expired, 45", "rejected_revoked, 44"})
    void rejectedCertificateOnApache(String name, int alert) {
        for (String listener : new String[] {"apache_tls12", "apache_tls13"}) {
            DcsTlsException e =
                    fail(Testbed.withCertificate(listener, PASSPORT, name + "_cert", name + "_key"));
            assertEquals(DcsCode.CLIENT_CERT_REJECTED, e.code(), listener);
            assertEquals(OptionalInt.of(alert), e.tlsAlert(), listener);
        }
    }

    @Test
    void missingIntermediateIsTakenFromTheBundle() {
        try (DcsClient client = Testbed.withCertificate("tls12_close", PASSPORT,
                        "rejected_missing_intermediate_cert", "rejected_missing_intermediate_key")
                .caBundle(Testbed.file("ca_bundle_with_second_intermediate"))
                .build()) {
            assertTrue(client.status().available());
        }
    }

    @Test
    void wrongCaBundle() {
        DcsTlsException e =
                fail(Testbed.builder("tls12_close", PASSPORT).caBundle(Testbed.file("other_ca_bundle")));
        assertEquals(DcsCode.SERVER_UNTRUSTED, e.code());
    }

    @ParameterizedTest
    @CsvSource({
        "server_unknown_ca, SERVER_UNTRUSTED",
        "server_expired, SERVER_CERTIFICATE",
        "server_not_yet_valid, SERVER_CERTIFICATE",
        "server_wrong_purpose, SERVER_CERTIFICATE",
        "server_wrong_name, SERVER_NAME",
        "tls11_only, TLS",
    })
    void serverCertificateErrors(String listener, DcsCode code) {
        assertEquals(code, fail(Testbed.builder(listener, PASSPORT)).code());
    }

    private static DcsTlsException fail(DcsClient.Builder builder) {
        try (DcsClient client = builder.build()) {
            DcsTlsException e = assertThrows(DcsTlsException.class, client::status);
            MessageAssertions.assertTraceShowsHint(e);
            return e;
        }
    }
}
