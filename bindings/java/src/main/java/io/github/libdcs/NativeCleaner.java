package io.github.libdcs;

import java.lang.ref.Cleaner;

/** Frees native memory whose owner has become unreachable. One cleaner, and so one thread, serves every owner. */
final class NativeCleaner {
    private static final Cleaner CLEANER = Cleaner.create();

    private NativeCleaner() {
    }

    /** Runs the action once the owner is unreachable; the action must not refer to the owner. */
    static Cleaner.Cleanable register(Object owner, Runnable action) {
        return CLEANER.register(owner, action);
    }
}
