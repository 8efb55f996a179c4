package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the status and its values. */
class StatusIT {
    private static final String PASSPORT = "/checks/passport";

    @ParameterizedTest
    @ValueSource(strings = {"tls12_close", "tls12_keepalive", "tls13_close", "tls13_keepalive"})
    void available(String listener) {
        try (DcsClient client = Testbed.builder(listener, PASSPORT).build()) {
            DcsStatus status = client.status();
            assertTrue(status.available());
            assertEquals(Optional.empty(), status.message());
            assertEquals(List.of(), status.scheduledOutages());
            assertEquals("{\"available\":true,\"scheduledOutages\":[]}", status.json());
            assertEquals(Optional.empty(), status.rateLimit());
            assertEquals(Optional.empty(), status.quota());
            assertEquals("DcsStatus[available=true, message=null, scheduledOutages=[]]", status.toString());
        }
    }

    @Test
    void unavailable() {
        DcsStatus status = call("/unavailable");
        assertFalse(status.available());
        assertEquals(Optional.of("Unplanned outage"), status.message());
    }

    @Test
    void outages() {
        List<DcsOutage> outages = call("/outages").scheduledOutages();
        assertEquals(2, outages.size());
        DcsOutage first = outages.get(0);
        assertEquals(Instant.parse("2020-01-01T12:30:00.000Z"), first.start());
        assertEquals(Instant.parse("2020-01-01T14:30:00.000Z"), first.end());
        assertEquals(Optional.of("Planned maintenance"), first.message());
        assertEquals(Optional.empty(), outages.get(1).message());
        assertTrue(outages.get(1).start().isBefore(outages.get(1).end()));
        assertThrows(UnsupportedOperationException.class, () -> outages.remove(0));

        assertEquals(outages, call("/outages").scheduledOutages());
        assertEquals(outages.get(1).hashCode(), call("/outages").scheduledOutages().get(1).hashCode());
        assertFalse(first.equals(outages.get(1)));
        assertEquals("DcsOutage[start=2020-01-01T12:30:00Z, end=2020-01-01T14:30:00Z, message=Planned maintenance]",
                first.toString());
    }

    @Test
    void unknownFieldsAreOnlyInTheJson() {
        DcsStatus status = call("/unknown-fields");
        assertTrue(status.available());
        assertEquals(Optional.empty(), status.message());
        assertTrue(status.json().length() > 40, status.json());
    }

    @Test
    void rateLimitAndQuota() {
        DcsStatus status = call("/limits");
        DcsRateLimit rate = status.rateLimit().orElseThrow();
        assertEquals(50, rate.limit().orElseThrow());
        assertEquals(49, rate.remaining().orElseThrow());
        assertEquals(Duration.ofSeconds(10), rate.reset().orElseThrow());
        DcsQuota quota = status.quota().orElseThrow();
        assertEquals(1000, quota.limit().orElseThrow());
        assertEquals(900, quota.remaining().orElseThrow());
    }

    @Test
    void sessionIsResumed() {
        try (DcsClient client = Testbed.builder("tls12_close", PASSPORT).build()) {
            DcsConnection first = client.status().connection();
            assertFalse(first.reused());
            assertFalse(first.sessionResumed());
            assertEquals("TLSv1.2", first.tlsVersion());
            assertTrue(first.cipher().startsWith("TLS_"), first.cipher());
            assertPositive(first.tcpTime(), first.tlsTime(), first.firstByteTime(), first.totalTime());
            assertFalse(first.dnsTime().isNegative());
            assertTrue(first.totalTime().compareTo(first.tlsTime()) > 0);

            DcsConnection second = client.status().connection();
            assertFalse(second.reused());
            assertTrue(second.sessionResumed());
        }
    }

    @Test
    void connectionIsReused() {
        try (DcsClient client = Testbed.builder("tls13_keepalive", PASSPORT).build()) {
            assertFalse(client.status().connection().reused());
            DcsConnection second = client.status().connection();
            assertTrue(second.reused());
            assertEquals("TLSv1.3", second.tlsVersion());
            assertEquals(Duration.ZERO, second.dnsTime());
            assertEquals(Duration.ZERO, second.tcpTime());
            assertEquals(Duration.ZERO, second.tlsTime());
            assertPositive(second.totalTime());
        }
    }

    @Test
    void filesAsBytes() {
        try (DcsClient client = DcsClient.builder()
                .url(Testbed.url("tls12_close", PASSPORT))
                .caBundle(Testbed.bytes("ca_bundle"))
                .certificate(Testbed.bytes("client_cert"))
                .privateKey(Testbed.bytes("client_key"))
                .build()) {
            assertTrue(client.status().available());
        }
    }

    @Test
    void lastOfPathAndBytesCounts() {
        try (DcsClient client = Testbed.builder("tls12_close", PASSPORT)
                .certificate(Testbed.file("missing"))
                .certificate(Testbed.bytes("client_chain"))
                .privateKey(new byte[0])
                .privateKey(Testbed.file("client_key"))
                .build()) {
            assertTrue(client.status().available());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "client_cert, client_key_pkcs1",
        "client_combined, client_combined",
        "ec_p256_cert, ec_p256_key",
        "ec_p256_cert, ec_p256_key_pkcs8",
        "ec_p384_cert, ec_p384_key",
        "ec_p521_cert, ec_p521_key",
        "ed25519_cert, ed25519_key",
    })
    void keyTypesAndFormats(String certificate, String key) {
        try (DcsClient client = Testbed.withCertificate("tls13_close", PASSPORT, certificate, key).build()) {
            assertTrue(client.status().available());
        }
    }

    private static DcsStatus call(String path) {
        try (DcsClient client = Testbed.builder("tls12_keepalive", path).build()) {
            return client.status();
        }
    }

    private static void assertPositive(Duration... times) {
        for (Duration time : times) {
            assertTrue(time.compareTo(Duration.ZERO) > 0, time.toString());
        }
    }
}
