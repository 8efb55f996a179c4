package io.github.libdcs;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A failure: what happened, to which file, host or field, and what to do about it.
 *
 * <p>{@link #getMessage()} holds the code's name, what happened and the hint, so that a plain stack trace
 * tells the cure. No key bytes, password or file content is ever part of it. Unchecked, since most callers
 * cannot mend a failure where the call is; those who can, catch one of the subclasses:
 *
 * <ul>
 *   <li>{@link DcsConfigException}: an option, a file, the certificate, the key, its password (100 to 199),
 *       thrown when a client is made</li>
 *   <li>{@link DcsNetworkException}: DNS, TCP, the proxy, a timeout, a call that was ended (200 to 299)</li>
 *   <li>{@link DcsTlsException}: the server's certificate, or what it says of yours (300 to 399)</li>
 *   <li>{@link DcsServiceException}: HTTP 400, 403, 404, 429, 5xx, an unusable answer (400 to 599)</li>
 * </ul>
 *
 * <p>This class itself is thrown for {@link DcsCode#INTERNAL} and for groups that a newer library may have.
 * A call on a closed client is a programming error and throws {@link IllegalStateException}; a native
 * library that cannot be loaded throws {@link DcsLoadException}.
 */
public class DcsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** As the library told it. */
    private final ErrorDetails failure;

    DcsException(ErrorDetails failure) {
        super(failure.toString());
        this.failure = failure;
    }

    /**
     * The kind of failure.
     *
     * @return the code; {@link DcsCode#UNKNOWN} where this version of the jar has no name for it
     */
    public DcsCode code() {
        return DcsCode.of(failure.code);
    }

    /**
     * The code's number in the C header, also where {@link #code()} has no name for it.
     *
     * @return the number
     */
    public int codeNumber() {
        return failure.code;
    }

    /**
     * The code's name in the C header, as the library gives it.
     *
     * @return the name, such as {@code DCS_ERR_KEY_MISMATCH}
     */
    public String codeName() {
        return failure.codeName;
    }

    /**
     * What happened, with the file, host or field it concerns; without the code's name and the hint that
     * {@link #getMessage()} adds.
     *
     * @return a sentence
     */
    public String message() {
        return failure.message;
    }

    /**
     * What to do about it.
     *
     * @return a sentence that a user can act on; empty only for a code without a hint
     */
    public String hint() {
        return failure.hint == null ? "" : failure.hint;
    }

    /**
     * The name of the check that explains the failure, such as {@code DCS_CHECK_CERT_NOT_EXPIRED}: that of
     * {@link DcsFinding#check()}. Names are only ever added, so monitoring may rely on them.
     *
     * @return the name, or empty where no check does
     */
    public Optional<String> check() {
        return Optional.ofNullable(failure.check);
    }

    /**
     * The HTTP status.
     *
     * @return the status, or empty where no HTTP answer came
     */
    public OptionalInt httpStatus() {
        return failure.httpStatus == 0 ? OptionalInt.empty() : OptionalInt.of(failure.httpStatus);
    }

    /**
     * The number of the TLS alert that the server sent (RFC 8446, section 6).
     *
     * @return the number, or empty where none came
     */
    public OptionalInt tlsAlert() {
        return failure.tlsAlert < 0 ? OptionalInt.empty() : OptionalInt.of(failure.tlsAlert);
    }

    /**
     * The operating system's error number: errno, or the WSA code on Windows.
     *
     * @return the number, or empty where the system reported none
     */
    public OptionalInt osCode() {
        return failure.osCode == 0 ? OptionalInt.empty() : OptionalInt.of(failure.osCode);
    }

    /**
     * How long the service asks to wait before the next call ({@code Retry-After}).
     *
     * @return the time, or empty where the service gave none
     */
    public Optional<Duration> retryAfter() {
        return failure.retryAfterMs < 0 ? Optional.empty() : Optional.of(Duration.ofMillis(failure.retryAfterMs));
    }

    /**
     * What the service said of the rate limit.
     *
     * @return the values, or empty where no such header came
     */
    public Optional<DcsRateLimit> rateLimit() {
        return Optional.ofNullable(
                DcsRateLimit.of(failure.rateLimit, failure.rateLimitRemaining, failure.rateLimitResetMs));
    }

    /**
     * What the service said of the quota of checks.
     *
     * @return the values, or empty where no such header came
     */
    public Optional<DcsQuota> quota() {
        return Optional.ofNullable(DcsQuota.of(failure.quotaLimit, failure.quotaRemaining));
    }

    /**
     * Whether the same call may succeed later without anybody changing anything.
     *
     * @return true where a later call may succeed
     */
    public boolean retryable() {
        return failure.retryable;
    }
}
