package io.github.libdcs;

/**
 * Thrown if the native library cannot be loaded, by {@link DcsClient#builder()} and every other method that needs it,
 * each time it is called.
 *
 * <p>The message lists what was tried, why it failed and what to do; {@link #getCause()} is the system's error. This is
 * a fault of the installation and not an error of the library, so it is not a {@link DcsException}.
 */
public final class DcsLoadException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DcsLoadException(String message, Throwable cause) {
        super(message, cause);
    }
}
