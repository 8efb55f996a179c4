package io.github.libdcs;

import java.util.OptionalLong;

/** Holds the {@code DCS-Quota-*} headers of a response. A value is empty if its header was not sent. Immutable. */
public final class DcsQuota {
    private final long limit;
    private final long remaining;

    private DcsQuota(long limit, long remaining) {
        this.limit = limit;
        this.remaining = remaining;
    }

    /** Copies the values out of a native response; returns null if it has none. */
    static DcsQuota read(long response) {
        return of(LibDcs.dcs_status_response_quota_limit(response),
                LibDcs.dcs_status_response_quota_remaining(response));
    }

    /** Takes the C ABI's numbers, -1 if there is none; returns null if there are none at all. */
    static DcsQuota of(long limit, long remaining) {
        return limit < 0 && remaining < 0 ? null : new DcsQuota(limit, remaining);
    }

    /** Takes one of the C ABI's numbers, -1 if there is none. */
    static OptionalLong optional(long value) {
        return value < 0 ? OptionalLong.empty() : OptionalLong.of(value);
    }

    /**
     * Returns the total number of checks that were bought.
     *
     * @return the number, or empty
     */
    public OptionalLong limit() {
        return optional(limit);
    }

    /**
     * Returns the number of checks that are left.
     *
     * @return the number, or empty
     */
    public OptionalLong remaining() {
        return optional(remaining);
    }

    @Override
    public String toString() {
        return "DcsQuota[limit=" + limit() + ", remaining=" + remaining() + "]";
    }
}
