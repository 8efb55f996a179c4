package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Tests the options that send fewer requests: honourRetryAfter and statusMaxAge. */
class RateLimitingIT {
    private static final String PASSPORT = "/checks/passport";

    @Test
    void sendsNothingBeforeRetryAfterElapses() {
        try (DcsClient client = Testbed.builder("tls12_close", "/429").honourRetryAfter(true).build()) {
            assertEquals(OptionalInt.of(429), assertThrows(DcsServiceException.class, client::status).httpStatus());
            DcsServiceException held;
            do { // On a busy machine the seven seconds may have passed, and the call is sent.
                held = assertThrows(DcsServiceException.class, client::status);
            } while (held.httpStatus().isPresent());
            assertEquals(DcsCode.RATE_LIMITED, held.code());
            assertTrue(held.retryAfter().orElseThrow().compareTo(Duration.ofSeconds(7)) <= 0);
            assertTrue(held.retryable());
            MessageAssertions.assertTraceShowsHint(held);
        }
    }

    @Test
    void sendsBeforeRetryAfterElapsesByDefault() {
        try (DcsClient client = Testbed.builder("tls12_close", "/429").build();
                DcsClient off = Testbed.builder("tls12_close", "/429")
                        .honourRetryAfter(true).honourRetryAfter(false).build()) {
            for (int i = 0; i < 2; i++) {
                assertEquals(OptionalInt.of(429),
                        assertThrows(DcsServiceException.class, client::status).httpStatus());
                assertEquals(OptionalInt.of(429), assertThrows(DcsServiceException.class, off::status).httpStatus());
            }
        }
    }

    @Test
    void recentStatusIsShared() {
        try (DcsClient client =
                Testbed.builder("tls12_close", PASSPORT).statusMaxAge(Duration.ofHours(1)).build()) {
            DcsStatus first = client.status();
            assertEquals(Duration.ZERO, first.age());
            DcsStatus shared;
            do {
                shared = client.status();
            } while (shared.age().isZero());
            assertEquals(first.connection().totalTime(), shared.connection().totalTime());
            assertEquals(first.json(), shared.json());
        }
    }

    @Test
    void concurrentCallsShareOneRequest() throws Exception {
        try (Relay relay = new Relay("tls12_close", PASSPORT);
                DcsClient client = relay.builder().statusMaxAge(Duration.ofHours(1)).build()) {
            List<CompletableFuture<DcsStatus>> calls = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                calls.add(client.statusAsync());
            }
            relay.next().forward();
            for (CompletableFuture<DcsStatus> call : calls) {
                assertTrue(call.get().available());
            }
            assertTrue(relay.isIdle());
        }
    }

    @Test
    void everyCallSendsARequestByDefault() {
        try (DcsClient client = Testbed.builder("tls12_close", PASSPORT).build();
                DcsClient off = Testbed.builder("tls12_close", PASSPORT)
                        .statusMaxAge(Duration.ofHours(1)).statusMaxAge(Duration.ZERO).build()) {
            for (int i = 0; i < 5; i++) {
                assertEquals(Duration.ZERO, client.status().age());
                assertEquals(Duration.ZERO, off.status().age());
            }
        }
    }

    @Test
    void timesOutOfRange() {
        DcsClient.Builder builder = Testbed.builder("tls12_close", PASSPORT);
        for (Duration time : new Duration[] {Duration.ofMillis(-1), Duration.ofDays(100)}) {
            DcsConfigException age = assertThrows(DcsConfigException.class, () -> builder.statusMaxAge(time));
            assertTrue(age.message().contains("status_max_age_ms"), age.message());
            DcsConfigException interval = assertThrows(DcsConfigException.class, () -> builder.reloadInterval(time));
            assertTrue(interval.message().contains("reload_interval_ms"), interval.message());
        }
        // A fraction is rounded up; zero would disable it.
        try (DcsClient client = builder.statusMaxAge(Duration.ofNanos(1)).reloadInterval(Duration.ZERO).build()) {
            assertTrue(client.status().available());
        }
    }
}
