package io.github.libdcs;

/**
 * Reports a failure of the network: DNS, TCP, the proxy, a timeout, a lost connection or an interrupted call (codes 200
 * to 299). Most are {@link #retryable()}.
 */
public final class DcsNetworkException extends DcsException {
    private static final long serialVersionUID = 1L;

    DcsNetworkException(ErrorDetails details) {
        super(details);
    }
}
