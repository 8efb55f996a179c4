package io.github.libdcs;

import java.util.Objects;
import java.util.ResourceBundle;
import java.util.function.Supplier;

/**
 * Hands the library's log to {@link System.Logger}: what is wanted is asked of the loggers before a call, and
 * what the call has recorded is handed to them after it. The package's documentation says which logger gets what.
 *
 * <p>The records are fetched and not taken by a callback: a logger's code then never runs in the midst of a
 * native call, and a slow one cannot use up the call's time limit.
 *
 * <p>An object of this class is a part of the library and its logger. It is a {@link System.Logger} itself, handing
 * on to another, for the sake of {@code java.util.logging}: that takes for a record's source the first class on the
 * stack that is no logger, which then is {@link DcsClient} and the method that the host has called.
 */
final class LogBridge implements System.Logger {
    // The levels of the header.
    static final int OFF = 0;
    static final int ERROR = 1;
    static final int WARNING = 2;
    static final int INFO = 3;
    static final int DEBUG = 4;
    static final int TRACE = 5;

    private static final String ROOT = "io.github.libdcs";
    private static final String TARGET_PREFIX = "dcs.";

    /**
     * What one call hands on at most: as many records as the library keeps. Without a limit, a thread that drains
     * what many others go on recording would not return.
     */
    private static final int MAX_RECORDS = 1024;

    /** What this class has set in the library. */
    private static volatile int levelInLibrary = OFF;

    /** The targets that the header lists, and the root for those of a newer library. */
    private static final LogBridge[] ALL = {
        new LogBridge("dcs.client"), new LogBridge("dcs.files"), new LogBridge("dcs.dns"), new LogBridge("dcs.tcp"),
        new LogBridge("dcs.proxy"), new LogBridge("dcs.tls"), new LogBridge("dcs.http"), new LogBridge("dcs.log"),
        new LogBridge(null)
    };

    /** Null for the root. */
    private final String target;

    /** Null where the logging framework gives none. */
    private final System.Logger logger;

    private LogBridge(String target) {
        this.target = target;
        logger = find(name(target));
    }

    /** Makes a call, and hands on what it recorded, also where it fails. */
    static <T> T during(Supplier<T> call) {
        int level = wanted();
        if (level != levelInLibrary) {
            set(level);
        }
        try {
            return call.get();
        } finally {
            if (level != OFF) {
                drain();
            }
        }
    }

    /** The level that serves every logger. Asked before each call: that costs less than looking at the clock. */
    private static int wanted() {
        int level = OFF;
        for (LogBridge part : ALL) {
            level = Math.max(level, part.wantedHere());
        }
        return level;
    }

    private static synchronized void set(int level) {
        LibDcs.dcs_log_set_level(level);
        levelInLibrary = level;
    }

    private static void drain() {
        long[] record = new long[1];
        for (int i = 0; i < MAX_RECORDS; i++) {
            if (LibDcs.dcs_log_next(record) != DcsCode.OK.number() || record[0] == 0) {
                return;
            }
            int level;
            String target;
            String text;
            try {
                level = LibDcs.dcs_log_record_level(record[0]);
                target = NativeText.decode(LibDcs.dcs_log_record_target(record[0]));
                text = NativeText.decode(LibDcs.dcs_log_record_text(record[0]));
            } finally {
                LibDcs.dcs_log_record_free(record[0]);
            }
            of(target).hand(level, text);
        }
    }

    private static String name(String target) {
        return target == null ? ROOT : ROOT + "." + target.substring(TARGET_PREFIX.length());
    }

    private static System.Logger find(String name) {
        try {
            return System.getLogger(name);
        } catch (Throwable e) { // thrown from a static initializer, it would end every call from now on
            return null;
        }
    }

    private static LogBridge of(String target) {
        for (LogBridge part : ALL) {
            if (Objects.equals(part.target, target)) {
                return part;
            }
        }
        return ALL[ALL.length - 1];
    }

    // Whatever a logger throws ends below, errors too: a logging framework that is set up badly must not take away
    // the result of a call that was made.

    private int wantedHere() {
        if (logger == null) {
            return OFF;
        }
        try {
            if (!logger.isLoggable(Level.WARNING)) {
                return OFF;
            }
            if (!logger.isLoggable(Level.DEBUG)) {
                return WARNING;
            }
            return logger.isLoggable(Level.TRACE) ? TRACE : DEBUG;
        } catch (Throwable e) {
            return OFF;
        }
    }

    private void hand(int level, String text) {
        if (logger == null) {
            return;
        }
        try {
            logger.log(loggerLevel(level), text);
        } catch (Throwable e) {
            // See above. The record is lost, and there is nowhere to say so.
        }
    }

    /**
     * An error is thrown too, and whoever catches it logs it if it matters; and a line for each call that
     * succeeds would be on the console of every program that leaves its loggers at INFO.
     */
    private static Level loggerLevel(int level) {
        switch (level) {
            case WARNING:
                return Level.WARNING;
            case TRACE:
                return Level.TRACE;
            default:
                return Level.DEBUG;
        }
    }

    // A logger for the stack's sake only; nobody calls these.

    @Override
    public String getName() {
        return name(target);
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
