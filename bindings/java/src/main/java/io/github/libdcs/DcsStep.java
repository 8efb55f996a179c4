package io.github.libdcs;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Objects;

/** Describes one step of a diagnosis towards the service's response. Immutable. */
public final class DcsStep {
    private final String name;
    private final DcsFinding.Outcome outcome;
    private final Duration duration;
    private final String message;

    private DcsStep(String name, DcsFinding.Outcome outcome, Duration duration, String message) {
        this.name = name;
        this.outcome = outcome;
        this.duration = duration;
        this.message = message;
    }

    /** Copies one step out of a native report. */
    static DcsStep read(long report, long index) {
        return new DcsStep(
                NativeText.decode(LibDcs.dcs_report_step_name(report, index)),
                DcsFinding.Outcome.of(NativeText.decode(LibDcs.dcs_report_step_outcome(report, index))),
                Duration.of(LibDcs.dcs_report_step_us(report, index), ChronoUnit.MICROS),
                NativeText.decode(LibDcs.dcs_report_step_message(report, index)));
    }

    /**
     * Returns the kind of step: {@code dns}, {@code tcp} (one for each address), {@code proxy}, {@code tls} or
     * {@code http}.
     *
     * @return the name
     */
    public String name() {
        return name;
    }

    /**
     * Returns how the step ended.
     *
     * @return the outcome
     */
    public DcsFinding.Outcome outcome() {
        return outcome;
    }

    /**
     * Returns how long the step took.
     *
     * @return the time, to the microsecond; zero for a skipped step
     */
    public Duration duration() {
        return duration;
    }

    /**
     * Returns what was found, such as the addresses, or the TLS version and cipher suite.
     *
     * @return the text
     */
    public String message() {
        return message;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof DcsStep)) {
            return false;
        }
        DcsStep that = (DcsStep) other;
        return name.equals(that.name) && outcome == that.outcome && duration.equals(that.duration)
                && message.equals(that.message);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, outcome, duration, message);
    }

    @Override
    public String toString() {
        return "DcsStep[name=" + name + ", outcome=" + outcome + ", duration=" + duration + ", message=" + message
                + "]";
    }
}
