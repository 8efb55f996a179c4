package io.github.libdcs;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongConsumer;

/**
 * Owns one native object, which it frees at most once.
 *
 * <p>The address is not a field. A mapper or a deep copy, which both copy private fields, would make a second owner that
 * uses the address when it is freed. Here a copy has no address, because they are found by identity.
 */
final class NativeObject implements Runnable {
    private static final Map<NativeObject, Long> ADDRESSES = new ConcurrentHashMap<>();

    private final transient LongConsumer free;

    /** Takes ownership of the object at an address. */
    NativeObject(long address, LongConsumer free) {
        this.free = free;
        NativeLoader.enter();
        ADDRESSES.put(this, address);
    }

    /** Returns the address; 0 if the object is freed, and for a copy of this owner. */
    long address() {
        return ADDRESSES.getOrDefault(this, 0L);
    }

    /** Frees the object. Idempotent. */
    @Override
    public void run() {
        Long address = ADDRESSES.remove(this);
        if (address != null) {
            free.accept(address);
            NativeLoader.leave();
        }
    }
}
