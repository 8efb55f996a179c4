package io.github.libdcs;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/** Holds the DCS's response to the status call. Immutable, and independent of the client. */
public final class DcsStatus {
    private final boolean available;
    private final String message;
    private final List<DcsOutage> scheduledOutages;
    private final String json;
    private final Duration age;
    private final DcsRateLimit rateLimit;
    private final DcsQuota quota;
    private final DcsConnection connection;

    private DcsStatus(boolean available, String message, List<DcsOutage> scheduledOutages, String json, Duration age,
            DcsRateLimit rateLimit, DcsQuota quota, DcsConnection connection) {
        this.available = available;
        this.message = message;
        this.scheduledOutages = scheduledOutages;
        this.json = json;
        this.age = age;
        this.rateLimit = rateLimit;
        this.quota = quota;
        this.connection = connection;
    }

    /**
     * Copies everything out of a native response, which the caller frees. Like every class that is read from an address,
     * this one has no constructor that takes it: mappers call private constructors, and would pass a number from JSON.
     */
    static DcsStatus read(long response) {
        long outages = LibDcs.dcs_status_response_outage_count(response);
        return new DcsStatus(
                LibDcs.dcs_status_response_available(response) == 1,
                NativeText.decode(LibDcs.dcs_status_response_message(response)),
                outages == 0 ? List.of() : LongStream.range(0, outages)
                        .mapToObj(i -> DcsOutage.read(response, i))
                        .collect(Collectors.toUnmodifiableList()),
                NativeText.decode(LibDcs.dcs_status_response_json(response)),
                Duration.ofMillis(LibDcs.dcs_status_response_age_ms(response)),
                DcsRateLimit.read(response),
                DcsQuota.read(response),
                DcsConnection.read(response));
    }

    /**
     * Returns whether the DCS is serving requests. False is a result, not an error.
     *
     * @return true if it is available
     */
    public boolean available() {
        return available;
    }

    /**
     * Returns the service's reason for being unavailable, such as "Unplanned outage".
     *
     * @return the text, or empty if the service sent none
     */
    public Optional<String> message() {
        return Optional.ofNullable(message);
    }

    /**
     * Returns the planned outages, in the order of the response.
     *
     * @return an immutable list; empty if none are planned
     */
    public List<DcsOutage> scheduledOutages() {
        return scheduledOutages;
    }

    /**
     * Returns the response body as received, for fields that this version does not know.
     *
     * @return the JSON text
     */
    public String json() {
        return json;
    }

    /**
     * Returns the age of the response when the call returned it. Above zero only if it is shared with an earlier call;
     * see {@link DcsClient.Builder#statusMaxAge(Duration)}.
     *
     * @return the age
     */
    public Duration age() {
        return age;
    }

    /**
     * Returns the rate limit that the service reported.
     *
     * @return the values, or empty if it sent no such header
     */
    public Optional<DcsRateLimit> rateLimit() {
        return Optional.ofNullable(rateLimit);
    }

    /**
     * Returns the quota of checks that the service reported.
     *
     * @return the values, or empty if it sent no such header
     */
    public Optional<DcsQuota> quota() {
        return Optional.ofNullable(quota);
    }

    /**
     * Returns the connection details of this call: its times, its reuse and its TLS.
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
