package io.github.libdcs;

import java.time.Duration;
import java.time.temporal.ChronoUnit;

/**
 * Describes the connection of one call. Immutable.
 *
 * <p>The library measures the times, to the microsecond. The time of a phase that did not take place, as on a reused
 * connection, is zero.
 */
public final class DcsConnection {
    private final long dnsUs;
    private final long tcpUs;
    private final long tlsUs;
    private final long firstByteUs;
    private final long totalUs;
    private final boolean reused;
    private final boolean sessionResumed;
    private final String tlsVersion;
    private final String cipher;

    private DcsConnection(long dnsUs, long tcpUs, long tlsUs, long firstByteUs, long totalUs, boolean reused,
            boolean sessionResumed, String tlsVersion, String cipher) {
        this.dnsUs = dnsUs;
        this.tcpUs = tcpUs;
        this.tlsUs = tlsUs;
        this.firstByteUs = firstByteUs;
        this.totalUs = totalUs;
        this.reused = reused;
        this.sessionResumed = sessionResumed;
        this.tlsVersion = tlsVersion;
        this.cipher = cipher;
    }

    /** Copies the values out of a native response. */
    static DcsConnection read(long response) {
        return new DcsConnection(
                LibDcs.dcs_status_response_dns_us(response),
                LibDcs.dcs_status_response_tcp_us(response),
                LibDcs.dcs_status_response_tls_us(response),
                LibDcs.dcs_status_response_first_byte_us(response),
                LibDcs.dcs_status_response_total_us(response),
                LibDcs.dcs_status_response_connection_reused(response) == 1,
                LibDcs.dcs_status_response_tls_session_resumed(response) == 1,
                NativeText.decode(LibDcs.dcs_status_response_tls_version(response)),
                NativeText.decode(LibDcs.dcs_status_response_tls_cipher(response)));
    }

    private static Duration microseconds(long value) {
        return Duration.of(value, ChronoUnit.MICROS);
    }

    /**
     * Returns the time of the host name lookup.
     *
     * @return the time
     */
    public Duration dnsTime() {
        return microseconds(dnsUs);
    }

    /**
     * Returns the time of connecting by TCP.
     *
     * @return the time
     */
    public Duration tcpTime() {
        return microseconds(tcpUs);
    }

    /**
     * Returns the time of the TLS handshake.
     *
     * @return the time
     */
    public Duration tlsTime() {
        return microseconds(tlsUs);
    }

    /**
     * Returns the time from the start of the call to the first byte of the response.
     *
     * @return the time
     */
    public Duration firstByteTime() {
        return microseconds(firstByteUs);
    }

    /**
     * Returns the time of the whole call.
     *
     * @return the time
     */
    public Duration totalTime() {
        return microseconds(totalUs);
    }

    /**
     * Returns whether the call used a connection that an earlier call had opened.
     *
     * @return true if it did
     */
    public boolean reused() {
        return reused;
    }

    /**
     * Returns whether the connection's TLS session was resumed, which saves the costly part of the handshake.
     *
     * @return true if it was resumed
     */
    public boolean sessionResumed() {
        return sessionResumed;
    }

    /**
     * Returns the TLS version.
     *
     * @return {@code TLSv1.2} or {@code TLSv1.3}
     */
    public String tlsVersion() {
        return tlsVersion;
    }

    /**
     * Returns the cipher suite.
     *
     * @return its IANA name, such as {@code TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}
     */
    public String cipher() {
        return cipher;
    }

    @Override
    public String toString() {
        return "DcsConnection[dnsTime=" + dnsTime() + ", tcpTime=" + tcpTime() + ", tlsTime=" + tlsTime()
                + ", firstByteTime=" + firstByteTime() + ", totalTime=" + totalTime() + ", reused=" + reused
                + ", sessionResumed=" + sessionResumed + ", tlsVersion=" + tlsVersion + ", cipher=" + cipher + "]";
    }
}
