package io.github.libdcs;

import java.util.Locale;
import java.util.Objects;

/** Describes the result of one check of a diagnosis. Immutable. */
public final class DcsFinding {
    private final String check;
    private final Outcome outcome;
    private final Severity severity;
    private final String subject;
    private final String title;
    private final String message;
    private final String advice;

    private DcsFinding(String check, Outcome outcome, Severity severity, String subject, String title, String message,
            String advice) {
        this.check = check;
        this.outcome = outcome;
        this.severity = severity;
        this.subject = subject;
        this.title = title;
        this.message = message;
        this.advice = advice;
    }

    /** Copies one finding out of a native report. */
    static DcsFinding read(long report, long index) {
        return new DcsFinding(
                NativeText.decode(LibDcs.dcs_report_finding_check(report, index)),
                Outcome.of(NativeText.decode(LibDcs.dcs_report_finding_outcome(report, index))),
                Severity.of(NativeText.decode(LibDcs.dcs_report_finding_severity(report, index))),
                NativeText.decode(LibDcs.dcs_report_finding_subject(report, index)),
                NativeText.decode(LibDcs.dcs_report_finding_title(report, index)),
                NativeText.decode(LibDcs.dcs_report_finding_message(report, index)),
                NativeText.decode(LibDcs.dcs_report_finding_advice(report, index)));
    }

    /**
     * Returns the name of the check, such as {@code DCS_CHECK_CERT_NOT_EXPIRED}. Names are never changed or removed, so
     * monitoring may rely on them.
     *
     * @return the name
     */
    public String check() {
        return check;
    }

    /**
     * Returns the outcome of the check.
     *
     * @return the outcome
     */
    public Outcome outcome() {
        return outcome;
    }

    /**
     * Returns how severe it is if the check fails.
     *
     * @return the severity
     */
    public Severity severity() {
        return severity;
    }

    /**
     * Returns what the finding concerns: {@code ca_bundle}, {@code certificate}, {@code private_key},
     * {@code connection} or {@code service}.
     *
     * @return the subject
     */
    public String subject() {
        return subject;
    }

    /**
     * Returns the condition for the check to pass.
     *
     * @return a sentence
     */
    public String title() {
        return title;
    }

    /**
     * Returns what was found, with the file or host it concerns.
     *
     * @return the text
     */
    public String message() {
        return message;
    }

    /**
     * Returns what to do about it.
     *
     * @return the text; empty if nothing has to be done
     */
    public String advice() {
        return advice;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof DcsFinding)) {
            return false;
        }
        DcsFinding that = (DcsFinding) other;
        return check.equals(that.check) && outcome == that.outcome && severity == that.severity
                && subject.equals(that.subject) && title.equals(that.title) && message.equals(that.message)
                && advice.equals(that.advice);
    }

    @Override
    public int hashCode() {
        return Objects.hash(check, outcome, severity, subject, title, message, advice);
    }

    @Override
    public String toString() {
        return "DcsFinding[check=" + check + ", outcome=" + outcome + ", severity=" + severity + ", subject=" + subject
                + ", title=" + title + ", message=" + message + ", advice=" + advice + "]";
    }

    private static <E extends Enum<E>> E constant(Class<E> type, String name, E unknown) {
        try {
            return Enum.valueOf(type, name.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            return unknown;
        }
    }

    /** The outcome of a check or a step. */
    public enum Outcome {
        /** There is no problem. */
        PASSED,

        /** There is a problem. */
        FAILED,

        /** The check or step was not made, because something it needs is missing. */
        SKIPPED,

        /** An outcome that this version of the jar does not know, from a newer native library. */
        UNKNOWN;

        static Outcome of(String name) {
            return constant(Outcome.class, name, UNKNOWN);
        }
    }

    /** The severity of a failed check, from lowest to highest. */
    public enum Severity {
        /** Nothing has to be done. */
        NOTE,

        /** Calls succeed for now or may succeed, but something should be done. */
        WARNING,

        /** Calls fail. */
        ERROR,

        /** A severity that this version of the jar does not know, from a newer native library. */
        UNKNOWN;

        static Severity of(String name) {
            return constant(Severity.class, name, UNKNOWN);
        }
    }
}
