package io.github.libdcs;

/**
 * Reports a failure of TLS: the server's certificate, the client certificate or the handshake (codes 300 to 399).
 *
 * <p>The three messages of the service's documentation are {@link DcsCode#CLIENT_CERT_REQUIRED},
 * {@link DcsCode#CLIENT_CERT_REJECTED} and {@link DcsCode#SERVER_UNTRUSTED}.
 */
public final class DcsTlsException extends DcsException {
    private static final long serialVersionUID = 1L;

    DcsTlsException(ErrorDetails details) {
        super(details);
    }
}
