package io.github.libdcs;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Objects;

/** A step of a diagnosis on the way to the service's answer. Immutable. */
public final class DcsStep {
    private final String name;
    private final DcsFinding.Outcome outcome;
    private final Duration duration;
    private final String message;

    /** Copies one step out of a native report. */
    DcsStep(long report, long index) {
        name = NativeText.decode(LibDcs.dcs_report_step_name(report, index));
        outcome = DcsFinding.Outcome.of(NativeText.decode(LibDcs.dcs_report_step_outcome(report, index)));
        duration = Duration.of(LibDcs.dcs_report_step_us(report, index), ChronoUnit.MICROS);
        message = NativeText.decode(LibDcs.dcs_report_step_message(report, index));
    }

    /**
     * What the step is: {@code dns}, {@code tcp} (once for each address), {@code proxy}, {@code tls} or
     * {@code http}.
     *
     * @return the word
     */
    public String name() {
        return name;
    }

    /**
     * How the step ended.
     *
     * @return the outcome
     */
    public DcsFinding.Outcome outcome() {
        return outcome;
    }

    /**
     * How long the step took.
     *
     * @return the time, to the microsecond; zero for a step that was not made
     */
    public Duration duration() {
        return duration;
    }

    /**
     * What was seen, such as the addresses or the TLS version and cipher suite.
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
