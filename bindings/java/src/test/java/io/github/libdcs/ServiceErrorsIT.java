package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests responses that are not a status. */
class ServiceErrorsIT {
    @ParameterizedTest
    @CsvSource({
        "/400, BAD_REQUEST, 400, false",
        "/403, QUOTA_EXCEEDED, 403, false",
        "/404, NOT_FOUND, 404, false",
        "/429, RATE_LIMITED, 429, true",
        "/503, UNAVAILABLE, 503, true",
        "/redirect, HTTP, 302, false",
        "/html, RESPONSE, 200, false",
        "/not-json, RESPONSE, 200, false",
        "/wrong-types, RESPONSE, 200, false",
        "/no-available, RESPONSE, 200, false",
        "/bad-time, RESPONSE, 200, false",
        "/large, RESPONSE, 200, false",
    })
    void codes(String path, DcsCode code, int status, boolean retryable) {
        DcsServiceException e = fail(path);
        assertEquals(code, e.code());
        assertEquals(OptionalInt.of(status), e.httpStatus());
        assertEquals(retryable, e.retryable());
        assertEquals(OptionalInt.empty(), e.tlsAlert());
        MessageAssertions.assertTraceShowsHint(e);
    }

    @Test
    void otherStatus() {
        DcsServiceException e = fail("/500");
        assertEquals(DcsCode.HTTP, e.code());
        assertEquals(OptionalInt.of(500), e.httpStatus());
    }

    @Test
    void retryAfter() {
        assertEquals(Optional.of(Duration.ofSeconds(7)), fail("/429").retryAfter());
        assertEquals(Optional.of(Duration.ofSeconds(2)), fail("/503").retryAfter());
        assertEquals(Optional.empty(), fail("/404").retryAfter());
    }

    @Test
    void rateLimitAndQuota() {
        DcsServiceException limited = fail("/429");
        DcsRateLimit rate = limited.rateLimit().orElseThrow();
        assertEquals(50, rate.limit().orElseThrow());
        assertEquals(0, rate.remaining().orElseThrow());
        assertEquals(Duration.ofSeconds(7), rate.reset().orElseThrow());
        assertEquals(Optional.empty(), limited.quota());
        DcsServiceException quotaExceeded = fail("/403");
        DcsQuota quota = quotaExceeded.quota().orElseThrow();
        assertEquals(1000, quota.limit().orElseThrow());
        assertEquals(0, quota.remaining().orElseThrow());
        assertEquals(Optional.empty(), quotaExceeded.rateLimit());
        assertEquals(Optional.empty(), fail("/404").rateLimit());
        assertEquals(Optional.empty(), fail("/404").quota());
    }

    @Test
    void clientStaysUsable() {
        try (DcsClient client = Testbed.builder("tls12_keepalive", "/429").build()) {
            for (int i = 0; i < 100; i++) {
                assertThrows(DcsServiceException.class, client::status);
            }
        }
    }

    @Test
    void asynchronousFailure() {
        try (DcsClient client = Testbed.builder("tls12_keepalive", "/404").build()) {
            CompletionException e = assertThrows(CompletionException.class, () -> client.statusAsync().join());
            assertEquals(DcsCode.NOT_FOUND, assertInstanceOf(DcsServiceException.class, e.getCause()).code());
        }
    }

    private static DcsServiceException fail(String path) {
        try (DcsClient client = Testbed.builder("tls12_close", path).build()) {
            return assertThrows(DcsServiceException.class, client::status);
        }
    }
}
