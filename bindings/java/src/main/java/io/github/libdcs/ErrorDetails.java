package io.github.libdcs;

import java.io.Serializable;

/**
 * What the library says of a failure, copied out of it. An exception keeps it as it is, numbers included, so
 * that one from a newer version of the jar can still be deserialized.
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

    /** For a function that returns a code and no error object. */
    private ErrorDetails(int code, String message) {
        this.code = code;
        this.codeName = codeName(code);
        this.message = message;
        this.hint = NativeText.decode(LibDcs.dcs_code_hint(code));
        this.check = null;
        this.httpStatus = 0;
        this.tlsAlert = -1;
        this.osCode = 0;
        this.retryAfterMs = -1;
        this.rateLimit = -1;
        this.rateLimitRemaining = -1;
        this.rateLimitResetMs = -1;
        this.quotaLimit = -1;
        this.quotaRemaining = -1;
        this.retryable = false;
    }

    private ErrorDetails(long error) {
        this.code = LibDcs.dcs_error_code(error);
        this.codeName = codeName(code);
        this.message = NativeText.decode(LibDcs.dcs_error_message(error));
        this.hint = NativeText.decode(LibDcs.dcs_error_hint(error));
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

    /**
     * Throws the exception for a code that is not {@code DCS_OK}.
     *
     * @param what what was being done, in case the library gives no words of its own
     */
    static void check(int code, String what) {
        if (code != DcsCode.OK.number()) {
            throw new ErrorDetails(code, what + " has failed.").toException();
        }
    }

    /**
     * As {@link #check(int, String)}, for a function with an error out-parameter.
     *
     * @param error where the function put the error, which is freed
     */
    static void check(int code, String what, long[] error) {
        if (code == DcsCode.OK.number()) {
            return;
        }
        if (error[0] == 0) {
            check(code, what);
        }
        ErrorDetails failure;
        try {
            failure = new ErrorDetails(error[0]);
        } finally {
            LibDcs.dcs_error_free(error[0]);
        }
        throw failure.toException();
    }

    /** The exception of the code's group. */
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

    private static String codeName(int code) {
        String name = NativeText.decode(LibDcs.dcs_code_name(code));
        return name == null ? "DCS error " + code : name;
    }

    /** All in one line, which is what a log and a stack trace show. */
    @Override
    public String toString() {
        String text = codeName + ": " + message;
        return hint == null ? text : text + " " + hint;
    }
}
