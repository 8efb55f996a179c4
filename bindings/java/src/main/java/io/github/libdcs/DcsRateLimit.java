package io.github.libdcs;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/** Holds the {@code X-RateLimit-*} headers of a response. A value is empty if its header was not sent. Immutable. */
public final class DcsRateLimit {
    private final long limit;
    private final long remaining;
    private final long resetMs;

    private DcsRateLimit(long limit, long remaining, long resetMs) {
        this.limit = limit;
        this.remaining = remaining;
        this.resetMs = resetMs;
    }

    /** Copies the values out of a native response; returns null if it has none. */
    static DcsRateLimit read(long response) {
        return of(LibDcs.dcs_status_response_rate_limit(response),
                LibDcs.dcs_status_response_rate_limit_remaining(response),
                LibDcs.dcs_status_response_rate_limit_reset_ms(response));
    }

    /** Takes the C ABI's numbers, -1 if there is none; returns null if there are none at all. */
    static DcsRateLimit of(long limit, long remaining, long resetMs) {
        return limit < 0 && remaining < 0 && resetMs < 0 ? null : new DcsRateLimit(limit, remaining, resetMs);
    }

    /**
     * Returns the number of requests that are allowed in a window.
     *
     * @return the number, or empty
     */
    public OptionalLong limit() {
        return DcsQuota.optional(limit);
    }

    /**
     * Returns the number of requests that are left in the current window.
     *
     * @return the number, or empty
     */
    public OptionalLong remaining() {
        return DcsQuota.optional(remaining);
    }

    /**
     * Returns the time until the current window ends.
     *
     * @return the time, or empty
     */
    public Optional<Duration> reset() {
        return resetMs < 0 ? Optional.empty() : Optional.of(Duration.ofMillis(resetMs));
    }

    @Override
    public String toString() {
        return "DcsRateLimit[limit=" + limit() + ", remaining=" + remaining() + ", reset=" + reset() + "]";
    }
}
