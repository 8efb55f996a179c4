"""Diagnoses of the testbed, their reports, and the conversion of keys compared with openssl."""

from __future__ import annotations

import copy
import inspect
import json
import os
import pickle
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

import libdcs
from conftest import LIMIT, Listener, Testbed
from libdcs import Code, ConfigError

EXPIRED = ("rejected_expired_cert", "rejected_expired_key")


def diagnose(testbed: Testbed, listener: str = "tls12_close", **changes: Any) -> libdcs.Report:
    return libdcs.diagnose(**testbed.options(testbed.url(listener), **changes))


def diagnose_expired(testbed: Testbed) -> libdcs.Report:
    certificate, private_key = (testbed.files[name] for name in EXPIRED)
    return diagnose(testbed, certificate=certificate, private_key=private_key)


def assert_cause(report: libdcs.Report, check: str, subject: str) -> libdcs.Finding:
    cause = report.cause
    assert cause is not None
    assert (cause.check, cause.outcome, cause.severity, cause.subject) == (check, "failed", "error", subject)
    assert cause.title
    assert cause.message
    assert cause.advice
    assert cause is report.findings[0]
    assert report.ok is False
    return cause


# The content of the report.


@pytest.mark.parametrize("listener", ["tls12_close", "tls13_keepalive", "apache_tls13"])
def test_no_findings_failed(testbed: Testbed, listener: str) -> None:
    report = diagnose(testbed, listener)
    assert report.ok is True, str(report)
    assert [step.name for step in report.steps if step.name != "tcp"] == ["dns", "tls", "http"]
    assert report.steps[1].name == "tcp"
    for step in report.steps:
        assert 0 <= step.duration < 30
        assert isinstance(step.duration, float)
    passed = {step.name for step in report.steps if step.outcome == "passed"}
    assert passed == {"dns", "tcp", "tls", "http"}
    for finding in report.findings:
        assert finding.check.startswith("DCS_CHECK_")
        assert finding.outcome in ("passed", "failed", "skipped")
        assert finding.severity in ("note", "warning", "error")
        assert finding.subject in ("ca_bundle", "certificate", "private_key", "connection", "service")
        assert finding.title
    assert {f.outcome for f in report.findings if f.check == "DCS_CHECK_ANSWER"} == {"passed"}


def test_failed_findings_come_first(testbed: Testbed) -> None:
    outcomes = [finding.outcome == "failed" for finding in diagnose_expired(testbed).findings]
    assert outcomes[0]
    assert not outcomes[-1]
    assert outcomes == sorted(outcomes, reverse=True)


def test_expired_certificate(testbed: Testbed) -> None:
    cause = assert_cause(diagnose_expired(testbed), "DCS_CHECK_CERT_NOT_EXPIRED", "certificate")
    assert cause.title == "The client certificate has not expired."
    assert testbed.files["rejected_expired_cert"] in cause.message


@pytest.mark.parametrize("option", ["ca_bundle", "certificate", "private_key"])
def test_missing_file(testbed: Testbed, option: str) -> None:
    # Client rejects this; a diagnosis still makes the other checks.
    report = diagnose(testbed, **{option: testbed.files["missing"]})
    cause = assert_cause(report, "DCS_CHECK_FILE_READABLE", option)
    assert testbed.files["missing"] in cause.message
    others = {f.subject for f in report.findings if f.outcome == "passed"}
    assert {"ca_bundle", "certificate", "private_key"} - {option} <= others


def test_note_is_never_the_cause(testbed: Testbed) -> None:
    # A certificate that expires soon is a warning, an expired CA in the bundle a note.
    certificate, private_key = testbed.files["expiring_cert"], testbed.files["expiring_key"]
    ca_bundle = testbed.files["ca_bundle_with_expired_intermediate"]
    report = diagnose(testbed, certificate=certificate, private_key=private_key, ca_bundle=ca_bundle)
    assert report.ok
    assert report.cause is not None
    assert report.cause is report.findings[0]
    assert (report.cause.check, report.cause.severity) == ("DCS_CHECK_CERT_EXPIRES_LATER", "warning")
    assert repr(report) == "<libdcs.Report: ok, DCS_CHECK_CERT_EXPIRES_LATER>"

    report = diagnose(testbed, ca_bundle=ca_bundle)
    assert report.ok
    assert {f.severity for f in report.findings if f.outcome == "failed"} == {"note"}
    assert report.cause is None


def test_only_url(closed_port: int) -> None:
    report = libdcs.diagnose(url=f"https://127.0.0.1:{closed_port}/checks/passport")
    assert report.ok is False
    failed = {finding.check for finding in report.findings if finding.outcome == "failed"}
    assert {"DCS_CHECK_FILE_CONFIGURED", "DCS_CHECK_CONNECT"} <= failed


def test_encrypted_key(testbed: Testbed) -> None:
    key = testbed.files["client_key_encrypted"]
    assert_cause(diagnose(testbed, private_key=key), "DCS_CHECK_KEY_PASSWORD", "private_key")
    report = diagnose(testbed, private_key=key, password="battery staple")
    assert_cause(report, "DCS_CHECK_KEY_PASSWORD", "private_key")
    for document in (report.text, report.json, report.html, repr(report.findings)):
        assert "battery" not in document
    assert diagnose(testbed, private_key=key, password="correct horse").ok


@pytest.mark.parametrize("form", ["path", "bytes", "pem text"])
def test_key_as_path_or_content(testbed: Testbed, form: str) -> None:
    path = Path(testbed.files["client_key"])
    key = {"path": path, "bytes": path.read_bytes(), "pem text": path.read_text()}[form]
    report = diagnose(testbed, private_key=key)
    assert report.ok
    body = path.read_text().splitlines()[1]
    for document in (report.text, report.json, report.html):
        assert body not in document


# The report as a value.


def test_report_documents(testbed: Testbed) -> None:
    report = diagnose_expired(testbed)
    document = json.loads(report.json)
    assert document["schema"] == 1
    assert "DCS_CHECK_CERT_NOT_EXPIRED" in report.json
    assert "<html" in report.html
    assert str(report) == report.text
    assert "expired" in report.text
    assert f"{report}" == report.text


def test_redacted(testbed: Testbed) -> None:
    report = diagnose_expired(testbed)
    redacted = report.redacted()
    folder = str(Path(testbed.files["client_cert"]).parent)
    subject = subprocess.run(
        ["openssl", "x509", "-noout", "-subject", "-nameopt", "multiline", "-in", testbed.files[EXPIRED[0]]],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    [name] = [line.partition("=")[2].strip() for line in subject.splitlines() if "commonName" in line]
    assert folder in report.text + report.json
    assert name in report.text + report.json
    for document in (redacted.text, redacted.json, redacted.html, repr(redacted.findings + redacted.steps)):
        assert folder not in document
        assert name not in document
    assert json.loads(redacted.json)["schema"] == 1
    assert redacted.ok is report.ok
    assert redacted.cause is redacted.findings[0]
    assert [f.check for f in redacted.findings] == [f.check for f in report.findings]
    assert [s.name for s in redacted.steps] == [s.name for s in report.steps]
    assert redacted.redacted() is redacted
    assert redacted != report


def test_report_is_immutable_value(testbed: Testbed) -> None:
    report = diagnose(testbed)
    for same in (pickle.loads(pickle.dumps(report)), copy.deepcopy(report), copy.copy(report)):
        assert same == report
        assert hash(same) == hash(report)
        assert same.redacted() == report.redacted()
        assert same.cause == report.cause
    assert repr(report).startswith("<libdcs.Report: ok")
    assert "\n" not in repr(report)
    for value in (report, *report.findings[:1], *report.steps[:1]):
        assert type(value).__module__ == "libdcs"
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(value, value.__slots__[0], None)
        with pytest.raises(AttributeError):
            value.no_such_field = 1
    # `if report:` would read like `if report.ok:`.
    assert not hasattr(libdcs.Report, "__bool__")


def test_report_constructor_has_defaults() -> None:
    finding = libdcs.Finding("DCS_CHECK_CERT_NOT_EXPIRED")
    passed = libdcs.Finding("DCS_CHECK_RESOLVE", "passed")
    report = libdcs.Report(False, (finding, passed), (libdcs.Step("dns"),), "text", cause=finding)
    assert report.cause is finding
    assert repr(report) == "<libdcs.Report: not ok, DCS_CHECK_CERT_NOT_EXPIRED>"
    assert str(report) == "text"
    assert report.redacted() is report
    assert libdcs.Report(True, (passed,)).cause is None
    assert report.steps[0].duration == 0.0


# The arguments.


def test_parameters_match_client() -> None:
    parameters = dict(inspect.signature(libdcs.Client.__init__).parameters)
    del parameters["self"]
    assert dict(inspect.signature(libdcs.diagnose).parameters) == parameters


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://localhost/checks/passport"},
        {"url": "https://localhost/\ud800"},
        {"url": "https://localhost/\0"},
        {"url": b"https://localhost/"},
        {"ca_bundle": os.fsdecode(b"/tmp/\xff")},
        {"certificate": 5},
        {"password": "hunter2\0"},
        {"password": 5},
        {"timeout": 0},
        {"timeout": "5"},
        {"timeout": float("inf")},
        {"connect_timeout": -1},
        {"proxy": "socks5://127.0.0.1:1080"},
    ],
    ids=repr,
)
def test_rejects_invalid_options_like_client(testbed: Testbed, options: dict[str, Any]) -> None:
    arguments = testbed.options(testbed.url("tls12_close"), **options)
    errors = []
    for function in (libdcs.Client, libdcs.diagnose):
        with pytest.raises((ConfigError, TypeError)) as info:
            function(**arguments)
        errors.append((type(info.value), str(info.value), vars(info.value)))
    assert errors[0] == errors[1]


def test_from_env(testbed: Testbed, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in [key for key in os.environ if key.startswith("DCS_") and key != "DCS_TESTBED"]:
        monkeypatch.delenv(other)
    monkeypatch.setenv("DCS_TIMEOUT_MS", "soon")
    with pytest.raises(ConfigError, match="DCS_TIMEOUT_MS"):
        libdcs.diagnose_from_env()
    monkeypatch.delenv("DCS_TIMEOUT_MS")
    monkeypatch.setenv("DCS_URL", testbed.url("tls12_close"))
    monkeypatch.setenv("DCS_CA_BUNDLE", testbed.files["ca_bundle"])
    monkeypatch.setenv("DCS_CERTIFICATE", testbed.files["client_cert"])
    monkeypatch.setenv("DCS_PRIVATE_KEY", testbed.files["missing"])
    assert_cause(libdcs.diagnose_from_env(), "DCS_CHECK_FILE_READABLE", "private_key")
    monkeypatch.setenv("DCS_PRIVATE_KEY", testbed.files["client_key"])
    assert libdcs.diagnose_from_env().ok


def test_releases_gil(testbed: Testbed, silent: Listener) -> None:
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(libdcs.diagnose(**testbed.options(silent.url)))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    # Listener and test are other threads of this interpreter.
    assert silent.connected.wait(LIMIT)
    assert outcome == []
    silent.drop_all()
    thread.join(LIMIT)
    assert not thread.is_alive()
    [report] = outcome
    assert isinstance(report, libdcs.Report)
    assert not report.ok
    assert {step.outcome for step in report.steps if step.name == "tls"} == {"failed"}


# The check of an error.


def test_error_names_check(testbed: Testbed) -> None:
    certificate, private_key = (testbed.files[name] for name in EXPIRED)
    error = testbed.error("tls12_close", certificate=certificate, private_key=private_key)
    assert error.code is Code.CLIENT_CERT_REJECTED
    assert error.check == "DCS_CHECK_CERT_NOT_EXPIRED"
    assert pickle.loads(pickle.dumps(error)).check == error.check
    # Rejected before any check.
    with pytest.raises(ConfigError) as info:
        libdcs.Client(url="http://localhost/")
    assert info.value.check is None


# Keys.

KEYS = {
    "client_key": None,
    "client_key_pkcs1": None,
    "client_key_encrypted": "correct horse",
    "client_combined": None,
    "ec_p256_key": None,
    "ec_p256_key_pkcs8": None,
    "ec_p384_key": None,
    "ec_p521_key": None,
    "ed25519_key": None,
}


@pytest.mark.parametrize("name", KEYS)
def test_convert_key(testbed: Testbed, name: str) -> None:
    path, password = testbed.files[name], KEYS[name]
    command = ["openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in", path]
    if password is not None:
        command += ["-passin", f"pass:{password}"]
    expected = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    content = Path(path).read_bytes()
    for given in (path, Path(path), content, content.decode("ascii")):
        converted = libdcs.convert_key(given, password)
        assert type(converted) is bytes
        assert converted == expected
    assert libdcs.convert_key(path, password=password or "not needed") == expected


def key_error(*arguments: Any) -> ConfigError:
    with pytest.raises(ConfigError) as info:
        libdcs.convert_key(*arguments)
    assert type(info.value) is ConfigError
    assert info.value.hint
    return info.value


def test_convert_key_with_wrong_password(testbed: Testbed) -> None:
    path = testbed.files["client_key_encrypted"]
    for arguments in ((path,), (path, "battery staple"), (Path(path).read_bytes(), "battery staple")):
        error = key_error(*arguments)
        assert error.code is Code.PASSWORD
        assert "battery" not in f"{error}{vars(error)}"
        if arguments[0] is path:
            assert path in error.message


@pytest.mark.parametrize("name", ["garbage", "public_key", "truncated_key", "client_cert", "empty"])
def test_convert_invalid_key(testbed: Testbed, name: str) -> None:
    error = key_error(testbed.files[name])
    assert error.code is Code.PRIVATE_KEY
    assert testbed.files[name] in error.message


def test_convert_unreadable_key(testbed: Testbed, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # Opening it for reading would block.
    with open(tmp_path / "large", "wb") as file:
        file.truncate(4 * 1024 * 1024 + 1)
    for path in (testbed.files["missing"], testbed.files["directory"], tmp_path / "pipe", tmp_path / "large"):
        error = key_error(path)
        assert error.code is Code.FILE
        assert error.check == "DCS_CHECK_FILE_READABLE"
        assert str(path) in error.message
    for path in ("/tmp/\0", os.fsdecode(b"/tmp/\xff")):
        assert key_error(path).code is Code.INVALID_ARGUMENT


def test_convert_key_at_non_ascii_path(testbed: Testbed, tmp_path: Path) -> None:
    path = tmp_path / "Schlüssel"
    shutil.copy(testbed.files["client_key"], path)
    assert libdcs.convert_key(path) == libdcs.convert_key(testbed.files["client_key"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5,), r"private_key must be a path \(str or os.PathLike\) or bytes, not int"),
        ((None,), "private_key must be a path"),
        ((b"", 5), "password must be a str, not int"),
    ],
)
def test_convert_key_rejects_wrong_types(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        libdcs.convert_key(*arguments)


def test_convert_key_rejects_nul_in_password() -> None:
    error = key_error(b"", "hunter2\0")
    assert error.code is Code.INVALID_ARGUMENT
    assert "hunter2" not in f"{error}{vars(error)}"
