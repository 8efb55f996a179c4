package io.github.libdcs;

import java.io.Serializable;

/**
 * Holds a copy of a native error. An exception stores these values as they are, numbers included, so that one from a
 * newer version of the jar can still be deserialized.
 */
final class ErrorDetails implements Serializable {
    private static final long serialVersionUID = 1L;

    final int code;
    final String codeName;
    final String message;
    final String hint;
    final String check;
    final int httpStatus;
    final int tlsAlert;
    final int osCode;
    final long retryAfterMs;
    final long rateLimit;
    final long rateLimitRemaining;
    final long rateLimitResetMs;
    final long quotaLimit;
    final long quotaRemaining;
    final boolean retryable;

    /** Copies a native error; if that is NULL, its functions return the values for "none". */
    private ErrorDetails(int code, String operation, long error) {
        this.code = code;
        this.codeName = firstNonNull(NativeText.decode(LibDcs.dcs_code_name(code)), "DCS error " + code);
        this.message = firstNonNull(NativeText.decode(LibDcs.dcs_error_message(error)), operation + " failed.");
        this.hint = firstNonNull(NativeText.decode(LibDcs.dcs_error_hint(error)),
                NativeText.decode(LibDcs.dcs_code_hint(code)));
        this.check = NativeText.decode(LibDcs.dcs_error_check(error));
        this.httpStatus = LibDcs.dcs_error_http_status(error);
        this.tlsAlert = LibDcs.dcs_error_tls_alert(error);
        this.osCode = LibDcs.dcs_error_os_code(error);
        this.retryAfterMs = LibDcs.dcs_error_retry_after_ms(error);
        this.rateLimit = LibDcs.dcs_error_rate_limit(error);
        this.rateLimitRemaining = LibDcs.dcs_error_rate_limit_remaining(error);
        this.rateLimitResetMs = LibDcs.dcs_error_rate_limit_reset_ms(error);
        this.quotaLimit = LibDcs.dcs_error_quota_limit(error);
        this.quotaRemaining = LibDcs.dcs_error_quota_remaining(error);
        this.retryable = LibDcs.dcs_error_retryable(error) == 1;
    }

    private static String firstNonNull(String first, String second) {
        return first == null ? second : first;
    }

    /**
     * Throws the exception for a code other than {@code DCS_OK}.
     *
     * @param operation what was attempted, for the message of an error that the library does not describe
     */
    static void check(int code, String operation) {
        check(code, operation, new long[1]);
    }

    /**
     * Throws the exception for a code other than {@code DCS_OK}.
     *
     * @param operation what was attempted, for the message of an error that the library does not describe
     * @param error the function's error out-parameter, which is freed
     */
    static void check(int code, String operation, long[] error) {
        if (code == DcsCode.OK.number()) {
            return;
        }
        ErrorDetails details;
        try {
            details = new ErrorDetails(code, operation, error[0]);
        } finally {
            LibDcs.dcs_error_free(error[0]);
        }
        throw details.toException();
    }

    /** Returns the exception class of the code's group. */
    private DcsException toException() {
        switch (code / 100) {
            case 1:
                return new DcsConfigException(this);
            case 2:
                return new DcsNetworkException(this);
            case 3:
                return new DcsTlsException(this);
            case 4:
            case 5:
                return new DcsServiceException(this);
            default:
                return new DcsException(this);
        }
    }

    /** Returns all on one line, as a log and a stack trace show it. */
    @Override
    public String toString() {
        String text = codeName + ": " + message;
        return hint == null ? text : text + " " + hint;
    }
}
