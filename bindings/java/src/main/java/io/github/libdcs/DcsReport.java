package io.github.libdcs;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * Holds the result of a diagnosis. Immutable, and independent of any native object. It contains no key material and no
 * password; {@link #redacted()} returns one without paths and names too.
 */
public final class DcsReport {
    private final boolean ok;
    private final DcsFinding cause;
    private final List<DcsFinding> findings;
    private final List<DcsStep> steps;
    private final String text;
    private final String json;
    private final String html;

    /** Null if this is the redacted report. */
    private final DcsReport redacted;

    private DcsReport(boolean ok, DcsFinding cause, List<DcsFinding> findings, List<DcsStep> steps, String text,
            String json, String html, DcsReport redacted) {
        this.ok = ok;
        this.cause = cause;
        this.findings = findings;
        this.steps = steps;
        this.text = text;
        this.json = json;
        this.html = html;
        this.redacted = redacted;
    }

    /**
     * Copies everything out of a native report, which the caller frees. The redacted report is created at once, even if
     * it is never used: it costs little beside a diagnosis, and no native report has to be kept for it.
     */
    static DcsReport read(long report) {
        long[] redacted = new long[1];
        long[] error = new long[1];
        int code = LibDcs.dcs_report_redacted(report, redacted, error);
        ErrorDetails.check(code, "Redacting the report", error);
        try {
            return read(report, read(redacted[0], null));
        } finally {
            LibDcs.dcs_report_free(redacted[0]);
        }
    }

    private static DcsReport read(long report, DcsReport redacted) {
        List<DcsFinding> findings = LongStream.range(0, LibDcs.dcs_report_finding_count(report))
                .mapToObj(i -> DcsFinding.read(report, i))
                .collect(Collectors.toUnmodifiableList());
        List<DcsStep> steps = LongStream.range(0, LibDcs.dcs_report_step_count(report))
                .mapToObj(i -> DcsStep.read(report, i))
                .collect(Collectors.toUnmodifiableList());
        int cause = LibDcs.dcs_report_cause(report);
        return new DcsReport(
                LibDcs.dcs_report_ok(report) == 1,
                cause < 0 ? null : findings.get(cause),
                findings,
                steps,
                NativeText.decode(LibDcs.dcs_report_text(report)),
                NativeText.decode(LibDcs.dcs_report_json(report)),
                NativeText.decode(LibDcs.dcs_report_html(report)),
                redacted);
    }

    /**
     * Returns whether calls succeed: no check failed that makes them fail. There may still be warnings and notes.
     *
     * @return true if calls succeed
     */
    public boolean ok() {
        return ok;
    }

    /**
     * Returns the most likely cause of the problem. If {@link #ok()} is true, it is a warning.
     *
     * @return the finding, or empty if there is no problem (a note is none)
     */
    public Optional<DcsFinding> cause() {
        return Optional.ofNullable(cause);
    }

    /**
     * Returns one finding for each check, including those that were skipped. Failed checks come first, the most likely
     * cause at the head. Skipped and passed checks follow in the order in which they are made.
     *
     * @return an immutable list
     */
    public List<DcsFinding> findings() {
        return findings;
    }

    /**
     * Returns the steps towards the response, in the order in which they were made.
     *
     * @return an immutable list
     */
    public List<DcsStep> steps() {
        return steps;
    }

    /**
     * Returns the report for a terminal or a log: lines of plain text, the most likely cause first.
     *
     * @return the text
     */
    public String text() {
        return text;
    }

    /**
     * Returns the report for a program: one JSON object, whose member {@code schema} is the version of its layout.
     *
     * @return the JSON text
     */
    public String json() {
        return json;
    }

    /**
     * Returns the report for a browser: one self-contained HTML document.
     *
     * @return the document
     */
    public String html() {
        return html;
    }

    /**
     * Returns the same report with paths replaced by {@code [path]} and the names in certificates by {@code [name]}.
     *
     * @return the redacted report; this one if it is redacted already
     */
    public DcsReport redacted() {
        return redacted == null ? this : redacted;
    }

    /**
     * Returns the report as {@link #text()}.
     *
     * @return several lines
     */
    @Override
    public String toString() {
        return text;
    }
}
