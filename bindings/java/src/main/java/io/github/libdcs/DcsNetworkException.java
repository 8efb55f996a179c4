package io.github.libdcs;

/**
 * DNS, TCP, the proxy, a timeout or a lost connection (codes 200 to 299); mostly {@link #retryable()}.
 */
public final class DcsNetworkException extends DcsException {
    private static final long serialVersionUID = 1L;

    DcsNetworkException(Failure failure) {
        super(failure);
    }
}
