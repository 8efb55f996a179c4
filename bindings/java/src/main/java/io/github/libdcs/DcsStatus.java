package io.github.libdcs;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** The DCS's answer. Immutable, and a value of its own: it does not need the client any more. */
public final class DcsStatus {
    private final boolean available;
    private final String message;
    private final List<DcsOutage> scheduledOutages;
    private final String json;
    private final Duration age;
    private final DcsRateLimit rateLimit;
    private final DcsQuota quota;
    private final DcsConnection connection;

    /** Copies everything out of a native response, which stays the caller's to free. */
    DcsStatus(long response) {
        available = LibDcs.dcs_status_response_available(response) == 1;
        message = NativeText.decode(LibDcs.dcs_status_response_message(response));
        scheduledOutages = readOutages(response);
        json = NativeText.decode(LibDcs.dcs_status_response_json(response));
        age = Duration.ofMillis(LibDcs.dcs_status_response_age_ms(response));
        rateLimit = DcsRateLimit.read(response);
        quota = DcsQuota.read(response);
        connection = new DcsConnection(response);
    }

    private static List<DcsOutage> readOutages(long response) {
        long count = LibDcs.dcs_status_response_outage_count(response);
        if (count == 0) {
            return Collections.emptyList();
        }
        List<DcsOutage> outages = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            outages.add(DcsOutage.read(response, i));
        }
        return Collections.unmodifiableList(outages);
    }

    /**
     * Whether the DCS is serving requests. False is an answer, not an error.
     *
     * @return true where it is available
     */
    public boolean available() {
        return available;
    }

    /**
     * Why the DCS is unavailable, in the service's words.
     *
     * @return the text, or empty where the service sent none
     */
    public Optional<String> message() {
        return Optional.ofNullable(message);
    }

    /**
     * The outages that are planned, in the order of the answer.
     *
     * @return an immutable list; empty where none are planned
     */
    public List<DcsOutage> scheduledOutages() {
        return scheduledOutages;
    }

    /**
     * The answer's body as it came, for fields that this version does not know.
     *
     * @return the JSON text
     */
    public String json() {
        return json;
    }

    /**
     * How long ago the answer came, when the call returned it: above zero only where it is shared with an earlier
     * call, see {@link DcsClient.Builder#statusMaxAge(Duration)}.
     *
     * @return the age
     */
    public Duration age() {
        return age;
    }

    /**
     * What the service said of the rate limit.
     *
     * @return the values, or empty where no such header came
     */
    public Optional<DcsRateLimit> rateLimit() {
        return Optional.ofNullable(rateLimit);
    }

    /**
     * What the service said of the quota of checks.
     *
     * @return the values, or empty where no such header came
     */
    public Optional<DcsQuota> quota() {
        return Optional.ofNullable(quota);
    }

    /**
     * What the connection did for this call: its times, its reuse and its TLS.
     *
     * @return the details
     */
    public DcsConnection connection() {
        return connection;
    }

    @Override
    public String toString() {
        return "DcsStatus[available=" + available + ", message=" + message + ", scheduledOutages=" + scheduledOutages
                + "]";
    }
}
