package io.github.libdcs;

import java.util.HashSet;
import java.util.Set;
import java.util.function.LongConsumer;

/**
 * Owns a native client and knows the calls that use it, so that it is freed exactly once and never during a call.
 * Closing rejects new calls and cancels those in flight; the last to leave, the closer or a call, frees the client. No
 * thread waits for another.
 *
 * <p>Closing cancels each call by its own cancellation, not by {@code dcs_client_interrupt}. That function ends only
 * calls that have started in the library, and would miss one that has entered here and is about to start there.
 *
 * <p>This is also the cleaner's action for a client that was never closed. It refers to no {@link DcsClient}.
 */
final class ClientHandle implements Runnable {
    private final NativeObject client;

    // Guarded by this, which no thread holds during anything slow: a call, freeing the client.
    private final Set<Cancellation> calls = new HashSet<>();
    private boolean closed;

    ClientHandle(long address, LongConsumer free) {
        client = new NativeObject(address, free);
    }

    /**
     * Starts a call, which must end with {@link #leave(Cancellation)}.
     *
     * @param call cancels the call when the client is closed; not shared with another call
     * @return the native client
     * @throws IllegalStateException after {@link #run()}; then {@code leave()} must not be called
     */
    synchronized long enter(Cancellation call) {
        long address = client.address();
        if (closed || address == 0) {
            throw new IllegalStateException("This DcsClient is closed, or a copy. Build a new one.");
        }
        calls.add(call);
        return address;
    }

    /** Ends a call, and frees the client if it was the last call of a closed client. */
    void leave(Cancellation call) {
        boolean last;
        synchronized (this) {
            calls.remove(call);
            last = isFreed();
        }
        if (last) {
            client.run();
        }
    }

    /** Rejects new calls and cancels those in flight. Frees the client if there are none. Idempotent. */
    @Override
    public void run() {
        boolean last;
        synchronized (this) {
            if (closed || client.address() == 0) {
                return;
            }
            closed = true;
            calls.forEach(Cancellation::cancel);
            last = isFreed();
        }
        if (last) {
            client.run();
        }
    }

    /** Returns whether the native client is freed, or about to be. */
    synchronized boolean isFreed() {
        return closed && calls.isEmpty();
    }
}
