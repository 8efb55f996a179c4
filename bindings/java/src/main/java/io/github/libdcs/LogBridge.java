package io.github.libdcs;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.ResourceBundle;
import java.util.function.Supplier;

/**
 * Forwards the library's log to {@link System.Logger}. Before a call it sets the library's level to what the loggers
 * ask for; after the call it forwards the records. The package's documentation lists the loggers.
 *
 * <p>The records are fetched and not delivered by a callback. A logger's code therefore never runs inside a native
 * call, and a slow logger cannot use up the call's timeout.
 *
 * <p>An instance connects one target of the library's log with its logger. It is a {@link System.Logger} itself for the
 * sake of {@code java.util.logging}, where a record's source is the first class on the stack that is not a logger. That
 * is then {@link DcsClient}, with the method that the application called.
 */
final class LogBridge implements System.Logger {
    private static final String ROOT = "io.github.libdcs";
    private static final String TARGET_PREFIX = "dcs.";

    /**
     * The most records that one call forwards, which is as many as the library keeps. Without a limit, a thread might
     * never return while many others keep recording.
     */
    private static final int MAX_RECORDS = 1024;

    /** The targets that the header lists, and the root logger for those of a newer library. */
    private static final LogBridge[] BRIDGES = {
        new LogBridge("dcs.client"), new LogBridge("dcs.files"), new LogBridge("dcs.dns"), new LogBridge("dcs.tcp"),
        new LogBridge("dcs.proxy"), new LogBridge("dcs.tls"), new LogBridge("dcs.http"), new LogBridge("dcs.log"),
        new LogBridge(null)
    };

    /** Set while this thread runs loggers. */
    private static final ThreadLocal<Boolean> FORWARDING = new ThreadLocal<>();

    /** Null for the root. */
    private final String target;

    /** Null if the logging framework provides none. */
    private final System.Logger logger;

    private LogBridge(String target) {
        this.target = target;
        logger = findLogger(loggerName(target));
    }

    /** Makes a call and forwards the records that are then waiting, even if the call fails. */
    static <T> T during(Supplier<T> call) {
        int level = requestedLevel();
        NativeLoader.enter();
        try {
            NativeLoader.setLogLevel(level);
            try {
                return call.get();
            } finally {
                if (level != LibDcs.DCS_LOG_OFF) {
                    forwardRecords();
                }
            }
        } finally {
            NativeLoader.leave();
        }
    }

    /** Returns the level that serves every logger. Asking before each call costs less than reading the clock. */
    private static int requestedLevel() {
        int level = LibDcs.DCS_LOG_OFF;
        for (LogBridge bridge : BRIDGES) {
            level = Math.max(level, bridge.loggerLevel());
        }
        return level;
    }

    private static void forwardRecords() {
        List<Entry> entries = takeRecords();
        if (FORWARDING.get() != null) {
            return; // A logger has made this call. Its records would make that logger call again, without end.
        }
        FORWARDING.set(true);
        try {
            for (Entry entry : entries) {
                bridgeFor(entry.target).forward(entry.level, entry.text);
            }
        } finally {
            FORWARDING.remove();
        }
    }

    private static List<Entry> takeRecords() {
        List<Entry> entries = new ArrayList<>();
        long[] record = new long[1];
        while (entries.size() < MAX_RECORDS
                && LibDcs.dcs_log_next(record) == DcsCode.OK.number() && record[0] != 0) {
            try {
                entries.add(new Entry(LibDcs.dcs_log_record_level(record[0]),
                        NativeText.decode(LibDcs.dcs_log_record_target(record[0])),
                        NativeText.decode(LibDcs.dcs_log_record_text(record[0]))));
            } finally {
                LibDcs.dcs_log_record_free(record[0]);
            }
        }
        return entries;
    }

    private static String loggerName(String target) {
        return target == null ? ROOT : ROOT + "." + target.substring(TARGET_PREFIX.length());
    }

    private static System.Logger findLogger(String name) {
        try {
            return System.getLogger(name);
        } catch (Throwable e) { // In a static initializer it would make every later call fail.
            return null;
        }
    }

    private static LogBridge bridgeFor(String target) {
        for (LogBridge bridge : BRIDGES) {
            if (Objects.equals(bridge.target, target)) {
                return bridge;
            }
        }
        return BRIDGES[BRIDGES.length - 1];
    }

    // The next two methods catch whatever a logger throws, errors included: a misconfigured logging framework must not
    // discard the result of a call.

    private int loggerLevel() {
        if (logger == null) {
            return LibDcs.DCS_LOG_OFF;
        }
        try {
            if (!logger.isLoggable(Level.WARNING)) {
                return LibDcs.DCS_LOG_OFF;
            }
            if (!logger.isLoggable(Level.DEBUG)) {
                return LibDcs.DCS_LOG_WARNING;
            }
            return logger.isLoggable(Level.TRACE) ? LibDcs.DCS_LOG_TRACE : LibDcs.DCS_LOG_DEBUG;
        } catch (Throwable e) {
            return LibDcs.DCS_LOG_OFF;
        }
    }

    private void forward(int level, String text) {
        if (logger == null) {
            return;
        }
        try {
            logger.log(systemLevel(level), text);
        } catch (Throwable e) {
            // The record is lost, and there is no other place to report it.
        }
    }

    /**
     * Maps a level of the library. An error becomes DEBUG because it is also thrown, and its catcher decides whether to
     * log it. A successful call becomes DEBUG because otherwise each one would print a line in a program whose loggers
     * are at INFO.
     */
    private static Level systemLevel(int level) {
        switch (level) {
            case LibDcs.DCS_LOG_WARNING:
                return Level.WARNING;
            case LibDcs.DCS_LOG_TRACE:
                return Level.TRACE;
            default:
                return Level.DEBUG;
        }
    }

    /** A record of the library's log. */
    private static final class Entry {
        private final int level;
        private final String target;
        private final String text;

        private Entry(int level, String target, String text) {
            this.level = level;
            this.target = target;
            this.text = text;
        }
    }

    // A logger only for the sake of the stack; nothing calls these methods.

    @Override
    public String getName() {
        return loggerName(target);
    }

    @Override
    public boolean isLoggable(Level level) {
        return logger != null && logger.isLoggable(level);
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String text, Throwable thrown) {
        if (logger != null) {
            logger.log(level, bundle, text, thrown);
        }
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String format, Object... parameters) {
        if (logger != null) {
            logger.log(level, bundle, format, parameters);
        }
    }
}
