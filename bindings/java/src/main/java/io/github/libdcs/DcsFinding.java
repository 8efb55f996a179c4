package io.github.libdcs;

import java.util.Objects;

/** What one check of a diagnosis came to. Immutable. */
public final class DcsFinding {
    private final String check;
    private final Outcome outcome;
    private final Severity severity;
    private final String subject;
    private final String title;
    private final String message;
    private final String advice;

    /** Copies one finding out of a native report. */
    DcsFinding(long report, long index) {
        check = NativeText.decode(LibDcs.dcs_report_finding_check(report, index));
        outcome = Outcome.of(NativeText.decode(LibDcs.dcs_report_finding_outcome(report, index)));
        severity = Severity.of(NativeText.decode(LibDcs.dcs_report_finding_severity(report, index)));
        subject = NativeText.decode(LibDcs.dcs_report_finding_subject(report, index));
        title = NativeText.decode(LibDcs.dcs_report_finding_title(report, index));
        message = NativeText.decode(LibDcs.dcs_report_finding_message(report, index));
        advice = NativeText.decode(LibDcs.dcs_report_finding_advice(report, index));
    }

    /**
     * The name of the check, such as {@code DCS_CHECK_CERT_NOT_EXPIRED}. Names are only ever added, so monitoring
     * may rely on them.
     *
     * @return the name
     */
    public String check() {
        return check;
    }

    /**
     * What came of the check.
     *
     * @return the outcome
     */
    public Outcome outcome() {
        return outcome;
    }

    /**
     * How much it weighs where the check failed.
     *
     * @return the severity
     */
    public Severity severity() {
        return severity;
    }

    /**
     * What the finding is about: {@code ca_bundle}, {@code certificate}, {@code private_key}, {@code connection}
     * or {@code service}.
     *
     * @return the word
     */
    public String subject() {
        return subject;
    }

    /**
     * What must be so for the check to pass.
     *
     * @return a sentence
     */
    public String title() {
        return title;
    }

    /**
     * What was seen, with the file or host it concerns.
     *
     * @return the text
     */
    public String message() {
        return message;
    }

    /**
     * What to do about it.
     *
     * @return the text; empty where nothing has to be done
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

    /** What came of a check, or how a step ended. */
    public enum Outcome {
        /** All is well. */
        PASSED,

        /** Something is wrong. */
        FAILED,

        /** Not made, since something that it needs is missing. */
        SKIPPED,

        /** A word that this version of the jar does not know, of a newer native library. */
        UNKNOWN;

        static Outcome of(String word) {
            switch (word) {
                case "passed":
                    return PASSED;
                case "failed":
                    return FAILED;
                case "skipped":
                    return SKIPPED;
                default:
                    return UNKNOWN;
            }
        }
    }

    /** How much a failed check weighs, from light to heavy. */
    public enum Severity {
        /** Nothing has to be done. */
        NOTE,

        /** Calls succeed for now or may succeed, and something should be done. */
        WARNING,

        /** Calls fail. */
        ERROR,

        /** A word that this version of the jar does not know, of a newer native library. */
        UNKNOWN;

        static Severity of(String word) {
            switch (word) {
                case "note":
                    return NOTE;
                case "warning":
                    return WARNING;
                case "error":
                    return ERROR;
                default:
                    return UNKNOWN;
            }
        }
    }
}
