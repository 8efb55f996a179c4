package io.github.libdcs;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;

/**
 * Owns a native client and knows how many calls are inside it, so that it is freed exactly once, and never
 * under a call's feet: closing only shuts the door, and whoever is last to leave, the closer or a call,
 * frees. Nobody waits for anybody.
 *
 * <p>Also the cleaner's action for a client that nobody closed; it refers to no {@link DcsClient}.
 */
final class ClientHandle implements Runnable {
    /** The state's sign bit; the other bits count the calls in flight. */
    private static final int CLOSED = Integer.MIN_VALUE;

    private final long address;
    private final LongConsumer free;
    private final AtomicInteger state = new AtomicInteger();

    ClientHandle(long address, LongConsumer free) {
        this.address = address;
        this.free = free;
    }

    /**
     * Begins a call, which must end with {@link #leave()}.
     *
     * @return the native client
     * @throws IllegalStateException after {@link #run()}; then no {@code leave()} is due
     */
    long enter() {
        int before;
        do {
            before = state.get();
            if (before < 0) {
                throw new IllegalStateException("This DcsClient is closed; build a new one.");
            }
        } while (!state.compareAndSet(before, before + 1));
        return address;
    }

    /** Ends a call, and frees the client if it was the last one in a closed client. */
    void leave() {
        if (state.decrementAndGet() == CLOSED) {
            free.accept(address);
        }
    }

    /** Closes: no call can begin any more. Frees the client if no call is in flight. Idempotent. */
    @Override
    public void run() {
        if (state.getAndUpdate(before -> before | CLOSED) == 0) {
            free.accept(address);
        }
    }

    /** Whether the native client is gone. */
    boolean isFreed() {
        return state.get() == CLOSED;
    }
}
