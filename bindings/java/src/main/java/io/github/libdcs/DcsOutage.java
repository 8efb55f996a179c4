package io.github.libdcs;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/** Describes a planned outage of the DCS. Immutable. */
public final class DcsOutage {
    private final Instant start;
    private final Instant end;
    private final String message;

    private DcsOutage(Instant start, Instant end, String message) {
        this.start = start;
        this.end = end;
        this.message = message;
    }

    /** Copies one outage out of a native response. */
    static DcsOutage read(long response, long index) {
        return new DcsOutage(
                Instant.ofEpochMilli(LibDcs.dcs_status_response_outage_start_unix_ms(response, index)),
                Instant.ofEpochMilli(LibDcs.dcs_status_response_outage_end_unix_ms(response, index)),
                NativeText.decode(LibDcs.dcs_status_response_outage_message(response, index)));
    }

    /**
     * Returns when the outage starts.
     *
     * @return the instant, to the millisecond
     */
    public Instant start() {
        return start;
    }

    /**
     * Returns when the outage ends.
     *
     * @return the instant, to the millisecond
     */
    public Instant end() {
        return end;
    }

    /**
     * Returns the reason for the outage.
     *
     * @return the service's text, or empty if it sent none
     */
    public Optional<String> message() {
        return Optional.ofNullable(message);
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof DcsOutage)) {
            return false;
        }
        DcsOutage that = (DcsOutage) other;
        return start.equals(that.start) && end.equals(that.end) && Objects.equals(message, that.message);
    }

    @Override
    public int hashCode() {
        return Objects.hash(start, end, message);
    }

    @Override
    public String toString() {
        return "DcsOutage[start=" + start + ", end=" + end + ", message=" + message + "]";
    }
}
