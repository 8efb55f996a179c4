package io.github.libdcs;

/**
 * The caller's input: an option, a file, the certificate, the key or its password (codes 100 to 199).
 *
 * <p>Thrown when a client is made; nothing has been sent.
 */
public final class DcsConfigException extends DcsException {
    private static final long serialVersionUID = 1L;

    DcsConfigException(ErrorDetails failure) {
        super(failure);
    }
}
