package io.github.libdcs;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sending less: while told to wait, and for several that ask at once. */
@Timeout(300)
class RateLimitingIT {
    private static final String PASSPORT = "/checks/passport";

    @Test
    void nothingIsSentWhileToldToWait() {
        try (DcsClient client = Testbed.builder("tls12_close", "/429").honourRetryAfter(true).build()) {
            assertEquals(OptionalInt.of(429), assertThrows(DcsServiceException.class, client::status).httpStatus());
            DcsServiceException kept = assertThrows(DcsServiceException.class, client::status);
            assertEquals(DcsCode.RATE_LIMITED, kept.code());
            assertEquals(OptionalInt.empty(), kept.httpStatus()); // no answer came, since nothing was asked
            assertTrue(kept.retryAfter().orElseThrow().compareTo(Duration.ofSeconds(7)) <= 0);
            assertTrue(kept.retryable());
            MessageAssertions.assertTellsTheCure(kept);
        }
    }

    @Test
    void byDefaultAndWhereItIsTurnedOffItIsSent() {
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
    void aYoungStatusIsShared() {
        try (DcsClient client =
                Testbed.builder("tls12_close", PASSPORT).statusMaxAge(Duration.ofHours(1)).build()) {
            DcsStatus first = client.status();
            assertEquals(Duration.ZERO, first.age());
            Instant deadline = Instant.now().plusSeconds(60);
            DcsStatus shared = client.status();
            while (shared.age().isZero()) {
                assertTrue(Instant.now().isBefore(deadline), "it does not grow older");
                shared = client.status();
            }
            assertEquals(first.connection().totalTime(), shared.connection().totalTime());
            assertEquals(first.json(), shared.json());
        }
    }

    @Test
    void whoAsksMeanwhileWaitsForTheOneCall() throws Exception {
        try (Relay relay = new Relay("tls12_close", PASSPORT);
                DcsClient client = relay.builder().statusMaxAge(Duration.ofHours(1)).build()) {
            List<CompletableFuture<DcsStatus>> calls = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                calls.add(client.statusAsync());
            }
            relay.next().handOn();
            for (CompletableFuture<DcsStatus> call : calls) {
                assertTrue(call.get(60, SECONDS).available());
            }
            assertTrue(relay.isQuiet());
        }
    }

    @Test
    void byDefaultEveryCallAsks() {
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
    void timesThatCannotBe() {
        DcsClient.Builder builder = Testbed.builder("tls12_close", PASSPORT);
        for (Duration time : new Duration[] {Duration.ofMillis(-1), Duration.ofDays(100)}) {
            DcsConfigException age = assertThrows(DcsConfigException.class, () -> builder.statusMaxAge(time));
            assertTrue(age.message().contains("status's age"), age.message());
            DcsConfigException interval = assertThrows(DcsConfigException.class, () -> builder.reloadInterval(time));
            assertTrue(interval.message().contains("reload interval"), interval.message());
        }
        // A fraction is rounded up: zero would mean that every call asks.
        try (DcsClient client = builder.statusMaxAge(Duration.ofNanos(1)).build()) {
            assertTrue(client.status().available());
        }
    }
}
