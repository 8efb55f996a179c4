package io.github.libdcs;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs the calls of {@link DcsClient#statusAsync()}. It has platform threads, because a native call pins its thread. It
 * is not the common pool, whose few threads are for computation and would all block in calls.
 */
final class StatusExecutor {
    /** Far more concurrent calls than the DCS's rate limit of 50 in 10 s for all clients has use for. */
    private static final int MAX_THREADS = 16;
    private static final long IDLE_SECONDS = 30;

    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final ThreadPoolExecutor EXECUTOR = new ThreadPoolExecutor(
            MAX_THREADS, MAX_THREADS, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(),
            StatusExecutor::newThread);

    static {
        EXECUTOR.allowCoreThreadTimeOut(true);
    }

    private StatusExecutor() {
    }

    static Executor executor() {
        return EXECUTOR;
    }

    private static Thread newThread(Runnable task) {
        // Neither the first caller's values of inheritable thread locals nor its class loader, which would keep a web
        // application's classes in memory.
        Thread thread = new Thread(null, task, "libdcs-status-" + COUNT.incrementAndGet(), 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(StatusExecutor.class.getClassLoader());
        return thread;
    }
}
