package io.github.libdcs;

/**
 * DNS, TCP, the proxy, a timeout, a lost connection, or a call that was ended on purpose (codes 200 to 299);
 * mostly {@link #retryable()}.
 */
public final class DcsNetworkException extends DcsException {
    private static final long serialVersionUID = 1L;

    DcsNetworkException(ErrorDetails failure) {
        super(failure);
    }
}
