package io.github.libdcs;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * What a diagnosis found. Immutable, and a value of its own that holds no key material and no password;
 * {@link #redacted()} gives one without paths and names too.
 */
public final class DcsReport {
    private final boolean ok;
    private final DcsFinding cause;
    private final List<DcsFinding> findings;
    private final List<DcsStep> steps;
    private final String text;
    private final String json;
    private final String html;

    /** Null where this is the redacted one. */
    private final DcsReport redacted;

    private DcsReport(long report, DcsReport redacted) {
        ok = LibDcs.dcs_report_ok(report) == 1;
        findings = readFindings(report);
        int index = LibDcs.dcs_report_cause(report);
        cause = index < 0 ? null : findings.get(index);
        steps = readSteps(report);
        text = NativeText.decode(LibDcs.dcs_report_text(report));
        json = NativeText.decode(LibDcs.dcs_report_json(report));
        html = NativeText.decode(LibDcs.dcs_report_html(report));
        this.redacted = redacted;
    }

    /**
     * Copies everything out of a native report, which stays the caller's to free. The redacted report is made at
     * once, whether it will be asked for or not: it costs little beside a diagnosis, and no native report has to
     * be kept for it.
     */
    static DcsReport read(long report) {
        long[] redacted = new long[1];
        long[] error = new long[1];
        int code = LibDcs.dcs_report_redacted(report, redacted, error);
        ErrorDetails.check(code, "Redacting the report", error);
        try {
            return new DcsReport(report, new DcsReport(redacted[0], null));
        } finally {
            LibDcs.dcs_report_free(redacted[0]);
        }
    }

    private static List<DcsFinding> readFindings(long report) {
        long count = LibDcs.dcs_report_finding_count(report);
        List<DcsFinding> findings = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            findings.add(new DcsFinding(report, i));
        }
        return Collections.unmodifiableList(findings);
    }

    private static List<DcsStep> readSteps(long report) {
        long count = LibDcs.dcs_report_step_count(report);
        List<DcsStep> steps = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            steps.add(new DcsStep(report, i));
        }
        return Collections.unmodifiableList(steps);
    }

    /**
     * Whether no check failed that makes calls fail. Warnings and notes may still be there.
     *
     * @return true where calls succeed
     */
    public boolean ok() {
        return ok;
    }

    /**
     * The likeliest cause of what is wrong. Where {@link #ok()} is true, that is a warning.
     *
     * @return the finding, or empty where nothing is wrong (a note is nothing wrong)
     */
    public Optional<DcsFinding> cause() {
        return Optional.ofNullable(cause);
    }

    /**
     * One finding for each check that was made or could not be made: the failed ones first, the likeliest cause
     * at the head, then those that were skipped and passed, in the order in which checks are made.
     *
     * @return an immutable list
     */
    public List<DcsFinding> findings() {
        return findings;
    }

    /**
     * The steps on the way to the answer, in the order in which they were made.
     *
     * @return an immutable list
     */
    public List<DcsStep> steps() {
        return steps;
    }

    /**
     * The whole report for a terminal or a log: lines of plain text, the likeliest cause first.
     *
     * @return the text
     */
    public String text() {
        return text;
    }

    /**
     * The whole report for a program: one JSON object, whose member {@code schema} is the version of its layout.
     *
     * @return the JSON text
     */
    public String json() {
        return json;
    }

    /**
     * The whole report for a browser: one HTML document that loads nothing else.
     *
     * @return the document
     */
    public String html() {
        return html;
    }

    /**
     * The same report without paths and without the names in certificates: {@code [path]} and {@code [name]}
     * stand for them.
     *
     * @return the redacted report; that of a redacted report is itself
     */
    public DcsReport redacted() {
        return redacted == null ? this : redacted;
    }

    /**
     * The report as {@link #text()}.
     *
     * @return several lines
     */
    @Override
    public String toString() {
        return text;
    }
}
