package io.github.libdcs;

import java.util.Objects;
import java.util.function.Supplier;

/**
 * Hands the library's log to {@link System.Logger}: what is wanted is asked of the loggers before a call, and
 * what the call has recorded is handed to them after it. The package's documentation says which logger gets what.
 *
 * <p>The records are fetched and not taken by a callback: a logger's code then never runs in the midst of a
 * native call, and a slow one cannot use up the call's time limit.
 */
final class NativeLog {
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

    private NativeLog() {
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
        for (Channel channel : Channel.ALL) {
            level = Math.max(level, channel.wanted());
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
            Channel.of(target).log(level, text);
        }
    }

    /**
     * A part of the library and its logger. Whatever a logger throws ends here, errors too: a logging framework
     * that is set up badly must not take away the result of a call that was made.
     */
    private static final class Channel {
        /** The targets that the header lists, and the root for those of a newer library. */
        private static final Channel[] ALL = {
            new Channel("dcs.client"), new Channel("dcs.files"), new Channel("dcs.dns"), new Channel("dcs.tcp"),
            new Channel("dcs.proxy"), new Channel("dcs.tls"), new Channel("dcs.http"), new Channel("dcs.log"),
            new Channel(null)
        };

        /** Null for the root. */
        private final String target;

        /** Null where the logging framework gives none. */
        private final System.Logger logger;

        private Channel(String target) {
            this.target = target;
            logger = find(target == null ? ROOT : ROOT + "." + target.substring(TARGET_PREFIX.length()));
        }

        private static System.Logger find(String name) {
            try {
                return System.getLogger(name);
            } catch (Throwable e) { // thrown from a static initializer, it would end every call from now on
                return null;
            }
        }

        private static Channel of(String target) {
            for (Channel channel : ALL) {
                if (Objects.equals(channel.target, target)) {
                    return channel;
                }
            }
            return ALL[ALL.length - 1];
        }

        private int wanted() {
            if (logger == null) {
                return OFF;
            }
            try {
                if (!logger.isLoggable(System.Logger.Level.WARNING)) {
                    return OFF;
                }
                if (!logger.isLoggable(System.Logger.Level.DEBUG)) {
                    return WARNING;
                }
                return logger.isLoggable(System.Logger.Level.TRACE) ? TRACE : DEBUG;
            } catch (Throwable e) {
                return OFF;
            }
        }

        private void log(int level, String text) {
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
        private static System.Logger.Level loggerLevel(int level) {
            switch (level) {
                case WARNING:
                    return System.Logger.Level.WARNING;
                case TRACE:
                    return System.Logger.Level.TRACE;
                default:
                    return System.Logger.Level.DEBUG;
            }
        }
    }
}
