package io.github.libdcs;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads of {@link DcsClient#statusAsync()}. Platform threads, since a native call holds on to its
 * thread; not the common pool, whose few threads are for computing and would all be stuck in calls.
 */
final class StatusExecutor {
    /** Sixteen calls at once are far more than the DCS's rate limit (50 in 10 s for all clients) has use for. */
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
        Thread thread = new Thread(task, "libdcs-status-" + COUNT.incrementAndGet());
        thread.setDaemon(true);
        // Not that of whoever happened to call first: it would keep a web application's classes alive.
        thread.setContextClassLoader(StatusExecutor.class.getClassLoader());
        return thread;
    }
}
