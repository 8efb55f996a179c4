package io.github.libdcs;

/**
 * Reports invalid input: an option, a file, the certificate, the key or its password (codes 100 to 199).
 *
 * <p>Thrown when a client is built or its files are reloaded; nothing has been sent.
 */
public final class DcsConfigException extends DcsException {
    private static final long serialVersionUID = 1L;

    DcsConfigException(ErrorDetails details) {
        super(details);
    }
}
