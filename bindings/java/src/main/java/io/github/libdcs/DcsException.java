package io.github.libdcs;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Reports a failure: what happened, to which file, host or field, and what to do about it.
 *
 * <p>{@link #getMessage()} holds the code's name, what happened and the hint, so that a plain stack trace shows the
 * solution. It never contains key bytes, a password or a file's content. The exception is unchecked, because most
 * callers cannot fix a failure where the call is made. Others catch one of the subclasses:
 *
 * <ul>
 *   <li>{@link DcsConfigException}: an option, a file, the certificate, the key, its password (100 to 199), thrown when
 *       a client is built</li>
 *   <li>{@link DcsNetworkException}: DNS, TCP, the proxy, a timeout, an interrupted call (200 to 299)</li>
 *   <li>{@link DcsTlsException}: the server's certificate, or its rejection of the client's (300 to 399)</li>
 *   <li>{@link DcsServiceException}: HTTP 400, 403, 404, 429, 5xx, an invalid response (400 to 599)</li>
 * </ul>
 *
 * <p>This class itself is thrown for {@link DcsCode#INTERNAL} and for groups that a newer library may add. A call on a
 * closed client is a programming error and throws {@link IllegalStateException}. A native library that cannot be loaded
 * throws {@link DcsLoadException}.
 */
public class DcsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The values that the library reported. */
    private final ErrorDetails details;

    DcsException(ErrorDetails details) {
        super(details.toString());
        this.details = details;
    }

    /**
     * Returns the kind of failure.
     *
     * @return the code; {@link DcsCode#UNKNOWN} if this version of the jar has no name for it
     */
    public DcsCode code() {
        return DcsCode.of(details.code);
    }

    /**
     * Returns the code's number in the C header, even if {@link #code()} has no name for it.
     *
     * @return the number
     */
    public int codeNumber() {
        return details.code;
    }

    /**
     * Returns the code's name in the C header, as the library reports it.
     *
     * @return the name, such as {@code DCS_ERR_KEY_MISMATCH}
     */
    public String codeName() {
        return details.codeName;
    }

    /**
     * Returns what happened, with the file, host or field it concerns. {@link #getMessage()} adds the code's name and
     * the hint.
     *
     * @return a sentence
     */
    public String message() {
        return details.message;
    }

    /**
     * Returns what to do about the failure.
     *
     * @return a sentence that a user can act on; empty only for a code without a hint
     */
    public String hint() {
        return details.hint == null ? "" : details.hint;
    }

    /**
     * Returns the name of the check that explains the failure, such as {@code DCS_CHECK_CERT_NOT_EXPIRED}; see
     * {@link DcsFinding#check()}. Names are never changed or removed, so monitoring may rely on them.
     *
     * @return the name, or empty if no check explains it
     */
    public Optional<String> check() {
        return Optional.ofNullable(details.check);
    }

    /**
     * Returns the HTTP status.
     *
     * @return the status, or empty if no HTTP response was received
     */
    public OptionalInt httpStatus() {
        return details.httpStatus == 0 ? OptionalInt.empty() : OptionalInt.of(details.httpStatus);
    }

    /**
     * Returns the number of the TLS alert that the server sent (RFC 8446, section 6).
     *
     * @return the number, or empty if it sent none
     */
    public OptionalInt tlsAlert() {
        return details.tlsAlert < 0 ? OptionalInt.empty() : OptionalInt.of(details.tlsAlert);
    }

    /**
     * Returns the operating system's error number: errno, or the WSA code on Windows.
     *
     * @return the number, or empty if the system reported none
     */
    public OptionalInt osCode() {
        return details.osCode == 0 ? OptionalInt.empty() : OptionalInt.of(details.osCode);
    }

    /**
     * Returns how long the service asks to wait before the next call ({@code Retry-After}).
     *
     * @return the time, or empty if the service sent none
     */
    public Optional<Duration> retryAfter() {
        return details.retryAfterMs < 0 ? Optional.empty() : Optional.of(Duration.ofMillis(details.retryAfterMs));
    }

    /**
     * Returns the rate limit that the service reported.
     *
     * @return the values, or empty if it sent no such header
     */
    public Optional<DcsRateLimit> rateLimit() {
        return Optional.ofNullable(
                DcsRateLimit.of(details.rateLimit, details.rateLimitRemaining, details.rateLimitResetMs));
    }

    /**
     * Returns the quota of checks that the service reported.
     *
     * @return the values, or empty if it sent no such header
     */
    public Optional<DcsQuota> quota() {
        return Optional.ofNullable(DcsQuota.of(details.quotaLimit, details.quotaRemaining));
    }

    /**
     * Returns whether retrying the same call later may succeed without any change.
     *
     * @return true if a later call may succeed
     */
    public boolean retryable() {
        return details.retryable;
    }
}
