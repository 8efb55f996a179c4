package io.github.libdcs;

import java.time.Duration;
import java.time.temporal.ChronoUnit;

/**
 * What the connection did for one call. Immutable.
 *
 * <p>Times are measured inside the library, to the microsecond; that of a phase which did not take place, as on
 * a reused connection, is zero.
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

    /** Copies the values out of a native response. */
    DcsConnection(long response) {
        dnsUs = LibDcs.dcs_status_response_dns_us(response);
        tcpUs = LibDcs.dcs_status_response_tcp_us(response);
        tlsUs = LibDcs.dcs_status_response_tls_us(response);
        firstByteUs = LibDcs.dcs_status_response_first_byte_us(response);
        totalUs = LibDcs.dcs_status_response_total_us(response);
        reused = LibDcs.dcs_status_response_connection_reused(response) == 1;
        sessionResumed = LibDcs.dcs_status_response_tls_session_resumed(response) == 1;
        tlsVersion = NativeText.decode(LibDcs.dcs_status_response_tls_version(response));
        cipher = NativeText.decode(LibDcs.dcs_status_response_tls_cipher(response));
    }

    /**
     * Resolving the host name.
     *
     * @return the time it took
     */
    public Duration dnsTime() {
        return microseconds(dnsUs);
    }

    /**
     * Making the TCP connection.
     *
     * @return the time it took
     */
    public Duration tcpTime() {
        return microseconds(tcpUs);
    }

    /**
     * The TLS handshake.
     *
     * @return the time it took
     */
    public Duration tlsTime() {
        return microseconds(tlsUs);
    }

    /**
     * From the call's beginning to the answer's first byte.
     *
     * @return the time it took
     */
    public Duration firstByteTime() {
        return microseconds(firstByteUs);
    }

    /**
     * The whole call.
     *
     * @return the time it took
     */
    public Duration totalTime() {
        return microseconds(totalUs);
    }

    /**
     * Whether a connection was used that an earlier call had left open.
     *
     * @return true where no connection had to be made
     */
    public boolean reused() {
        return reused;
    }

    /**
     * Whether the connection's TLS session is an earlier one that was resumed, which saves the costly part of the
     * handshake.
     *
     * @return true where it was resumed
     */
    public boolean sessionResumed() {
        return sessionResumed;
    }

    /**
     * The TLS version.
     *
     * @return {@code TLSv1.2} or {@code TLSv1.3}
     */
    public String tlsVersion() {
        return tlsVersion;
    }

    /**
     * The cipher suite.
     *
     * @return its IANA name, such as {@code TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}
     */
    public String cipher() {
        return cipher;
    }

    private static Duration microseconds(long value) {
        return Duration.of(value, ChronoUnit.MICROS);
    }

    @Override
    public String toString() {
        return "DcsConnection[dnsTime=" + dnsTime() + ", tcpTime=" + tcpTime() + ", tlsTime=" + tlsTime()
                + ", firstByteTime=" + firstByteTime() + ", totalTime=" + totalTime() + ", reused=" + reused
                + ", sessionResumed=" + sessionResumed + ", tlsVersion=" + tlsVersion + ", cipher=" + cipher + "]";
    }
}
