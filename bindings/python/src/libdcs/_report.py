"""The report of a diagnosis as immutable values, and its construction from a `dcs_report`."""

from __future__ import annotations

from ctypes import byref, c_void_p

from ._error import from_handle
from ._native import api
from ._value import Value, set_field


class Finding(Value):
    """The result of one check.

    Attributes:
        check: The check's name, such as `DCS_CHECK_CERT_NOT_EXPIRED`. Names are only ever added.
        outcome: `passed`, `failed`, or `skipped` if something that the check needs is missing.
        severity: The effect of a failure. `error`: calls fail. `warning`: calls may succeed, but action is
            needed. `note`: no action is needed.
        subject: `ca_bundle`, `certificate`, `private_key`, `connection` or `service`.
        title: The condition that the check tests.
        message: What was found, with the file or host it concerns.
        advice: What to do about it; empty if no action is needed.
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
        """Create a value, for example for a test double."""
        set_field(self, "check", check)
        set_field(self, "outcome", outcome)
        set_field(self, "severity", severity)
        set_field(self, "subject", subject)
        set_field(self, "title", title)
        set_field(self, "message", message)
        set_field(self, "advice", advice)


class Step(Value):
    """A step of the diagnosis's status call.

    Attributes:
        name: `dns`, `tcp` (one for each address), `proxy`, `tls` or `http`.
        outcome: `passed`, `failed` or `skipped`.
        duration: How long it took, in seconds (float); 0.0 for a skipped step.
        message: What was found, such as the addresses or the TLS version and cipher suite.
    """

    __slots__ = ("name", "outcome", "duration", "message")

    name: str
    outcome: str
    duration: float
    message: str

    def __init__(self, name: str, outcome: str = "passed", duration: float = 0.0, message: str = "") -> None:
        """Create a value, for example for a test double."""
        set_field(self, "name", name)
        set_field(self, "outcome", outcome)
        set_field(self, "duration", duration)
        set_field(self, "message", message)


class Report(Value):
    """The result of a diagnosis. It holds no key material and no password. `str(report)` is its text.

    Attributes:
        ok: Whether calls can succeed: no check of severity `error` failed. Warnings and notes may remain.
        findings: A tuple of `Finding`. Failed checks come first, the most likely cause at the head. Skipped
            and passed checks follow in the order of the checks.
        cause: The most likely cause among `findings`, or None if nothing is wrong. A note is never a cause.
            If `ok` is True, the cause is a warning.
        steps: A tuple of `Step`, in the order of the call.
        text: The whole report as plain text, the most likely cause first.
        json: The whole report as JSON (text): one object, whose `schema` is the version of its layout.
        html: The whole report as one HTML document, which loads nothing else.
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
        """Create a value, for example for a test double."""
        set_field(self, "ok", ok)
        set_field(self, "findings", findings)
        set_field(self, "steps", steps)
        set_field(self, "text", text)
        set_field(self, "json", json)
        set_field(self, "html", html)
        set_field(self, "cause", cause)
        set_field(self, "_redacted", redacted)

    def redacted(self) -> Report:
        """Return the report with `[path]` and `[name]` in place of paths and names in certificates.

        A redacted report returns itself.
        """
        return self if self._redacted is None else self._redacted

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        # Without the documents, which would fill the screen.
        cause = f", {self.cause.check}" if self.cause else ""
        return f"<libdcs.Report: {'ok' if self.ok else 'not ok'}{cause}>"


def take(report: int | None) -> Report:
    """Read a `dcs_report`, and free it."""
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
    fields = [getattr(api, f"dcs_report_finding_{name}") for name in Finding.__slots__]
    return Finding(*[field(report, index).decode() for field in fields])


def _step(report: int | None, index: int) -> Step:
    return Step(
        api.dcs_report_step_name(report, index).decode(),
        api.dcs_report_step_outcome(report, index).decode(),
        api.dcs_report_step_us(report, index) / 1e6,
        api.dcs_report_step_message(report, index).decode(),
    )
