"""A diagnosis as immutable values, and reading it out of the library."""

from __future__ import annotations

from ctypes import byref, c_void_p

from ._error import from_handle
from ._native import api
from ._value import Value, set_field


class Finding(Value):
    """What one check came to.

    Attributes:
        check: The check's name, such as `DCS_CHECK_CERT_NOT_EXPIRED`. Names are only ever added.
        outcome: `passed`; `failed`; `skipped` where something that it needs is missing.
        severity: How much it weighs where it failed: `error`, calls fail; `warning`, they succeed for now or
            may succeed, and something should be done; `note`, nothing has to be done.
        subject: What it is about: `ca_bundle`, `certificate`, `private_key`, `connection` or `service`.
        title: What must be so for the check to pass.
        message: What was seen, with the file or host it concerns.
        advice: What to do about it; empty where nothing has to be done.
    """

    __slots__ = ("check", "outcome", "severity", "subject", "title", "message", "advice")

    check: str
    outcome: str
    severity: str
    subject: str
    title: str
    message: str
    advice: str

    def __init__(
        self,
        check: str,
        outcome: str = "failed",
        severity: str = "error",
        subject: str = "connection",
        title: str = "",
        message: str = "",
        advice: str = "",
    ) -> None:
        """Make one by hand, as a test double needs."""
        set_field(self, "check", check)
        set_field(self, "outcome", outcome)
        set_field(self, "severity", severity)
        set_field(self, "subject", subject)
        set_field(self, "title", title)
        set_field(self, "message", message)
        set_field(self, "advice", advice)


class Step(Value):
    """A step on the way to the answer.

    Attributes:
        name: `dns`, `tcp` (once for each address), `proxy`, `tls` or `http`.
        outcome: `passed`, `failed` or `skipped`.
        duration: How long it took, in seconds (float); 0.0 for a step that was not made.
        message: What was seen, such as the addresses or the TLS version and cipher suite.
    """

    __slots__ = ("name", "outcome", "duration", "message")

    name: str
    outcome: str
    duration: float
    message: str

    def __init__(self, name: str, outcome: str = "passed", duration: float = 0.0, message: str = "") -> None:
        """Make one by hand, as a test double needs."""
        set_field(self, "name", name)
        set_field(self, "outcome", outcome)
        set_field(self, "duration", duration)
        set_field(self, "message", message)


class Report(Value):
    """What a diagnosis found: a value that holds no key material and no password. `str(report)` is its text.

    Attributes:
        ok: Whether no check failed that makes calls fail. Warnings and notes may still be there.
        findings: A tuple of `Finding`: the failed ones first, the likeliest cause at the head; then those
            that were skipped and passed, in the order in which checks are made.
        cause: The one of `findings` that is the likeliest cause of what is wrong, or None where nothing is; a
            note is nothing wrong. Where `ok` is True it is a warning.
        steps: A tuple of `Step`, in the order in which they were made.
        text: The whole report as plain text, the likeliest cause first.
        json: The whole report as JSON (text): one object, whose `schema` is the version of its layout.
        html: The whole report as one HTML document that loads nothing else.
    """

    __slots__ = ("ok", "findings", "steps", "text", "json", "html", "cause", "_redacted")

    ok: bool
    findings: tuple[Finding, ...]
    steps: tuple[Step, ...]
    text: str
    json: str
    html: str
    cause: Finding | None
    _redacted: Report | None

    def __init__(
        self,
        ok: bool,
        findings: tuple[Finding, ...] = (),
        steps: tuple[Step, ...] = (),
        text: str = "",
        json: str = "",
        html: str = "",
        cause: Finding | None = None,
        redacted: Report | None = None,
    ) -> None:
        """Make one by hand, as a test double needs."""
        set_field(self, "ok", ok)
        set_field(self, "findings", findings)
        set_field(self, "steps", steps)
        set_field(self, "text", text)
        set_field(self, "json", json)
        set_field(self, "html", html)
        set_field(self, "cause", cause)
        set_field(self, "_redacted", redacted)

    def redacted(self) -> Report:
        """Return the same report without paths and without the names in certificates.

        `[path]` and `[name]` stand for them. That of a redacted report is itself.
        """
        return self if self._redacted is None else self._redacted

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        # The documents would fill the screen.
        words = ["ok" if self.ok else "not ok"]
        if self.cause is not None:
            words.append(self.cause.check)
        return f"<libdcs.Report: {', '.join(words)}>"


def take(report: int | None) -> Report:
    """Copy everything out of a `dcs_report`, and free it."""
    redacted, error = c_void_p(), c_void_p()
    try:
        code = api.dcs_report_redacted(report, byref(redacted), byref(error))
        if code:
            raise from_handle(code, error.value)
        return _read(report, _read(redacted.value, None))
    finally:
        api.dcs_report_free(report)
        api.dcs_report_free(redacted)
        api.dcs_error_free(error)


def _read(report: int | None, redacted: Report | None) -> Report:
    findings = tuple([_finding(report, i) for i in range(api.dcs_report_finding_count(report))])
    cause = api.dcs_report_cause(report)
    return Report(
        api.dcs_report_ok(report) == 1,
        findings,
        tuple([_step(report, i) for i in range(api.dcs_report_step_count(report))]),
        api.dcs_report_text(report).decode(),
        api.dcs_report_json(report).decode(),
        api.dcs_report_html(report).decode(),
        None if cause < 0 else findings[cause],
        redacted,
    )


def _finding(report: int | None, index: int) -> Finding:
    return Finding(
        api.dcs_report_finding_check(report, index).decode(),
        api.dcs_report_finding_outcome(report, index).decode(),
        api.dcs_report_finding_severity(report, index).decode(),
        api.dcs_report_finding_subject(report, index).decode(),
        api.dcs_report_finding_title(report, index).decode(),
        api.dcs_report_finding_message(report, index).decode(),
        api.dcs_report_finding_advice(report, index).decode(),
    )


def _step(report: int | None, index: int) -> Step:
    return Step(
        api.dcs_report_step_name(report, index).decode(),
        api.dcs_report_step_outcome(report, index).decode(),
        api.dcs_report_step_us(report, index) / 1e6,
        api.dcs_report_step_message(report, index).decode(),
    )
