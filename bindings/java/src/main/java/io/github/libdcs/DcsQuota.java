package io.github.libdcs;

import java.util.OptionalLong;

/** The {@code DCS-Quota-*} headers of an answer; a value is empty where its header did not come. Immutable. */
public final class DcsQuota {
    private final long limit;
    private final long remaining;

    private DcsQuota(long limit, long remaining) {
        this.limit = limit;
        this.remaining = remaining;
    }

    /** Copies the values out of a native response; null where none of the headers came. */
    static DcsQuota read(long response) {
        return of(LibDcs.dcs_status_response_quota_limit(response),
                LibDcs.dcs_status_response_quota_remaining(response));
    }

    /** The C ABI's numbers, -1 where there is none; null where none of the headers came. */
    static DcsQuota of(long limit, long remaining) {
        return limit < 0 && remaining < 0 ? null : new DcsQuota(limit, remaining);
    }

    /** The C ABI's count, -1 where there is none. */
    static OptionalLong optional(long value) {
        return value < 0 ? OptionalLong.empty() : OptionalLong.of(value);
    }

    /**
     * The checks that are allowed in all.
     *
     * @return the number, or empty
     */
    public OptionalLong limit() {
        return optional(limit);
    }

    /**
     * The checks that are left.
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
