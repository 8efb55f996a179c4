package io.github.libdcs;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/** The {@code X-RateLimit-*} headers of an answer; a value is empty where its header did not come. Immutable. */
public final class DcsRateLimit {
    private final long limit;
    private final long remaining;
    private final long resetMs;

    private DcsRateLimit(long limit, long remaining, long resetMs) {
        this.limit = limit;
        this.remaining = remaining;
        this.resetMs = resetMs;
    }

    /** Copies the values out of a native response; null where none of the headers came. */
    static DcsRateLimit read(long response) {
        return of(LibDcs.dcs_status_response_rate_limit(response),
                LibDcs.dcs_status_response_rate_limit_remaining(response),
                LibDcs.dcs_status_response_rate_limit_reset_ms(response));
    }

    /** The C ABI's numbers, -1 where there is none; null where none of the headers came. */
    static DcsRateLimit of(long limit, long remaining, long resetMs) {
        return limit < 0 && remaining < 0 && resetMs < 0 ? null : new DcsRateLimit(limit, remaining, resetMs);
    }

    /**
     * The requests that are allowed in the current window.
     *
     * @return the number, or empty
     */
    public OptionalLong limit() {
        return DcsQuota.optional(limit);
    }

    /**
     * The requests that are left in the current window.
     *
     * @return the number, or empty
     */
    public OptionalLong remaining() {
        return DcsQuota.optional(remaining);
    }

    /**
     * The time until the next window.
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
