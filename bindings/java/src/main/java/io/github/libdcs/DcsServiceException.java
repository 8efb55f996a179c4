package io.github.libdcs;

/**
 * Reports a response of the service that is not a status (codes 400 to 599).
 *
 * <p>{@link #httpStatus()} returns its number, {@link #retryAfter()} the time to wait if the service sent one.
 * {@link DcsCode#RESPONSE} is a 200 whose body is not the expected JSON.
 */
public final class DcsServiceException extends DcsException {
    private static final long serialVersionUID = 1L;

    DcsServiceException(ErrorDetails details) {
        super(details);
    }
}
