package io.github.libdcs;

/**
 * The service answered, but not with a status (codes 400 to 599).
 *
 * <p>{@link #httpStatus()} has the number, {@link #retryAfter()} the time to wait where the service gave one.
 * {@link DcsCode#RESPONSE} is a 200 whose body is not the JSON that it should be.
 */
public final class DcsServiceException extends DcsException {
    private static final long serialVersionUID = 1L;

    DcsServiceException(ErrorDetails failure) {
        super(failure);
    }
}
