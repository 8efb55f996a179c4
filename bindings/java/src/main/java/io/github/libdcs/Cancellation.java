package io.github.libdcs;

import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * Cancels one call, from any thread and at any time. A call that is cancelled before it starts sends nothing; after it
 * has returned, cancelling has no effect. The native cancellation exists only during the call.
 */
final class Cancellation {
    private final LongSupplier make;
    private final LongConsumer end;
    private final LongConsumer free;
    private boolean cancelled;

    /** 0 outside the call. */
    private long address;

    Cancellation() {
        this(LibDcs::dcs_cancellation_new, LibDcs::dcs_cancellation_cancel, LibDcs::dcs_cancellation_free);
    }

    Cancellation(LongSupplier make, LongConsumer end, LongConsumer free) {
        this.make = make;
        this.end = end;
        this.free = free;
    }

    /**
     * Starts the call, which must end with {@link #leave()}.
     *
     * @return the native cancellation to pass to the call
     */
    synchronized long enter() {
        address = make.getAsLong();
        if (cancelled) {
            end.accept(address);
        }
        return address;
    }

    /** Frees the native cancellation when the call has returned. */
    synchronized void leave() {
        free.accept(address);
        address = 0;
    }

    /** Cancels the call. Idempotent. */
    synchronized void cancel() {
        if (!cancelled && address != 0) {
            end.accept(address);
        }
        cancelled = true;
    }
}
