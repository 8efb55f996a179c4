package io.github.libdcs;

import java.util.HashSet;
import java.util.Set;
import java.util.function.LongConsumer;

/**
 * Owns a native client and knows the calls that are inside it, so that it is freed exactly once, and never under a
 * call's feet: closing shuts the door and tells the calls to end, and whoever is last to leave, the closer or a
 * call, frees. Nobody waits for anybody.
 *
 * <p>Calls are told by their own cancellations and not by {@code dcs_client_interrupt}: that ends only what has begun
 * in the library, and would miss a call which has come through the door and is just on its way there.
 *
 * <p>Also the cleaner's action for a client that nobody closed; it refers to no {@link DcsClient}.
 */
final class ClientHandle implements Runnable {
    private final long address;
    private final LongConsumer free;

    // Guarded by this, which nobody holds while something takes its time: a call, freeing the client.
    private final Set<Cancellation> calls = new HashSet<>();
    private boolean closed;

    ClientHandle(long address, LongConsumer free) {
        this.address = address;
        this.free = free;
    }

    /**
     * Begins a call, which must end with {@link #leave(Cancellation)}.
     *
     * @param call what closing tells the call to end by; not that of another call
     * @return the native client
     * @throws IllegalStateException after {@link #run()}; then no {@code leave()} is due
     */
    synchronized long enter(Cancellation call) {
        if (closed) {
            throw new IllegalStateException("This DcsClient is closed; build a new one.");
        }
        calls.add(call);
        return address;
    }

    /** Ends a call, and frees the client if it was the last one in a closed client. */
    void leave(Cancellation call) {
        boolean last;
        synchronized (this) {
            calls.remove(call);
            last = isFreed();
        }
        if (last) {
            free.accept(address);
        }
    }

    /** Closes: no call can begin any more, and those in flight end. Frees the client if there are none. Idempotent. */
    @Override
    public void run() {
        boolean last;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            calls.forEach(Cancellation::cancel);
            last = isFreed();
        }
        if (last) {
            free.accept(address);
        }
    }

    /** Whether the native client is gone, or about to go. */
    synchronized boolean isFreed() {
        return closed && calls.isEmpty();
    }
}
