package io.github.libdcs;

import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * Ends one call, from any thread and at any time: before the call has begun, which then sends nothing, while it is in
 * flight, and afterwards, when there is nothing to end. The native object behind it lives as long as the call does.
 */
final class Cancellation {
    private final LongSupplier make;
    private final LongConsumer end;
    private final LongConsumer free;
    private boolean cancelled;

    /** 0 outside of a call. */
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
     * Begins the one call, which must end with {@link #leave()}.
     *
     * @return the native cancellation to give to the call
     */
    synchronized long enter() {
        address = make.getAsLong();
        if (cancelled) {
            end.accept(address);
        }
        return address;
    }

    /** The call is back. */
    synchronized void leave() {
        free.accept(address);
        address = 0;
    }

    /** Ends the call. Idempotent. */
    synchronized void cancel() {
        if (!cancelled && address != 0) {
            end.accept(address);
        }
        cancelled = true;
    }
}
