package io.github.libdcs;

import java.lang.ref.Cleaner;

/** The one cleaner, and so the one thread, behind every object here that owns native memory. */
final class NativeCleaner {
    private static final Cleaner CLEANER = Cleaner.create();

    private NativeCleaner() {
    }

    /** Has {@code action} run when {@code owner} is unreachable; the action must not refer to its owner. */
    static Cleaner.Cleanable register(Object owner, Runnable action) {
        return CLEANER.register(owner, action);
    }
}
