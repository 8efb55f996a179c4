package io.github.libdcs;

/**
 * Names the kind of failure of a {@link DcsException}.
 *
 * <p>Codes from 100 concern the caller's input ({@link DcsConfigException}), from 200 the network
 * ({@link DcsNetworkException}), from 300 TLS ({@link DcsTlsException}), from 400 the service's responses
 * ({@link DcsServiceException}), and 900 the library itself ({@link DcsException}). Codes are never changed or removed.
 */
public enum DcsCode {
    // Begin: written from include/dcs.h by "make bindings".
    /** Success. */
    OK(0),

    /**
     * An argument is NULL, not UTF-8, or a value that the option does not accept, such as a URL that is not https or a
     * timeout of 0.
     */
    INVALID_ARGUMENT(100),

    /** A file cannot be read. */
    FILE(101),

    /** The CA bundle contains no usable CA certificate. */
    CA_BUNDLE(102),

    /** The client certificate cannot be used. */
    CERTIFICATE(103),

    /** The private key cannot be used. */
    PRIVATE_KEY(104),

    /** The private key is encrypted, and the password is missing or wrong. */
    PASSWORD(105),

    /** The private key does not belong to the certificate. */
    KEY_MISMATCH(106),

    /** The host name cannot be resolved. */
    RESOLVE(200),

    /** No TCP connection can be opened. */
    CONNECT(201),

    /** The proxy cannot be reached, or it rejects the connection. */
    PROXY(202),

    /** A timeout elapsed; the message names the phase. */
    TIMEOUT(203),

    /** The server closed or reset the connection before the response was complete. */
    CONNECTION_LOST(204),

    /** The caller cancelled the call. */
    INTERRUPTED(205),

    /** The server's certificate does not chain to a CA in the CA bundle ("unable to get local issuer certificate"). */
    SERVER_UNTRUSTED(300),

    /** The server's certificate has expired, is not yet valid, is for another purpose, or has an invalid signature. */
    SERVER_CERTIFICATE(301),

    /** The server's certificate is for another host. */
    SERVER_NAME(302),

    /** The server requires a client certificate, and none was sent ("No required SSL certificate was sent"). */
    CLIENT_CERT_REQUIRED(303),

    /** The server rejected the client certificate ("The SSL certificate error"). */
    CLIENT_CERT_REJECTED(304),

    /** The TLS handshake failed for another reason: no common version or cipher, no TLS at all, or an alert. */
    TLS(305),

    /** HTTP 400: the service rejected the request as malformed. */
    BAD_REQUEST(400),

    /** HTTP 403: the quota of checks is used up. */
    QUOTA_EXCEEDED(403),

    /** HTTP 404: the URL's path is wrong. */
    NOT_FOUND(404),

    /** HTTP 429: this client exceeded its own rate limit. */
    RATE_LIMITED(429),

    /** Any HTTP status other than 200 that has no code of its own. */
    HTTP(450),

    /** The response is not the documented JSON, is incomplete, or exceeds the size limit. */
    RESPONSE(460),

    /** HTTP 503: all clients together exceeded the service's rate limit. */
    UNAVAILABLE(503),

    /** A bug in the library. */
    INTERNAL(900),
    // End.

    /**
     * A code that this version of the jar does not know, from a newer native library. {@link DcsException#codeNumber()}
     * and {@link DcsException#codeName()} identify it.
     */
    UNKNOWN(-1);

    private final int number;

    DcsCode(int number) {
        this.number = number;
    }

    /**
     * Returns the number in the C header.
     *
     * @return the number; -1 for {@link #UNKNOWN}
     */
    public int number() {
        return number;
    }

    /**
     * Returns the name in the C header, which the documentation uses too.
     *
     * @return the name, such as {@code DCS_ERR_CLIENT_CERT_REJECTED}
     */
    public String cName() {
        return (this == OK ? "DCS_" : "DCS_ERR_") + name();
    }

    /**
     * Returns the code with a number from the C header.
     *
     * @param number the number
     * @return the code, or {@link #UNKNOWN} if this version of the jar does not know it
     */
    public static DcsCode of(int number) {
        for (DcsCode code : values()) {
            if (code.number == number) {
                return code;
            }
        }
        return UNKNOWN;
    }
}
