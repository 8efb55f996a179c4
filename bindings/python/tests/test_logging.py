"""The library's log as records of Python's logging."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import libdcs
from conftest import LIMIT, REPOSITORY, Listener, Testbed
from libdcs import Code, _log

PARENT = logging.getLogger("libdcs")
LOGGERS = (PARENT, *(logging.getLogger(f"lib{target}") for target in _log.TARGETS))
EXPIRING = ("expiring_cert", "expiring_key")

# The records of a new client, and of a call on a new connection.
FILES = [("DEBUG", "libdcs.files")] * 4
CALL = [
    ("DEBUG", "libdcs.dns", "localhost is at "),
    ("DEBUG", "libdcs.tcp", ": connected ("),
    ("DEBUG", "libdcs.tls", "handshake with localhost:"),
    ("DEBUG", "libdcs.tls", "the server asks for a client certificate"),
    ("DEBUG", "libdcs.tls", ": accepted"),
    ("DEBUG", "libdcs.tls", "handshake done: TLSv1."),
    ("DEBUG", "libdcs.http", "GET /checks/passport is sent"),
    ("DEBUG", "libdcs.http", "HTTP 200, 40 bytes of body"),
    ("INFO", "libdcs.client", "HTTP 200 after "),
]


class Records(logging.Handler):
    """Keeps its records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def take(self) -> list[logging.LogRecord]:
        taken, self.records = self.records, []
        return taken


class Failing(Records):
    """Raises an error for each record."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        raise self.error


@pytest.fixture(autouse=True)
def restored_loggers() -> Iterator[None]:
    """Restores the loggers, which are those of the process."""
    before = [(logger.level, logger.handlers[:], logger.filters[:]) for logger in LOGGERS]
    yield
    logging.disable(logging.NOTSET)
    for logger, (level, handlers, filters) in zip(LOGGERS, before):
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.filters[:] = filters


@pytest.fixture
def logged() -> Records:
    """All records that reach an application's handlers."""
    handler = Records()
    # Resets the level of the previous test in the library.
    PARENT.setLevel(logging.CRITICAL)
    _log.prepare()
    PARENT.addHandler(handler)
    PARENT.setLevel(logging.DEBUG)
    return handler


def seen(records: list[logging.LogRecord]) -> list[tuple[str, str]]:
    return [(record.levelname, record.name) for record in records]


def assert_a_call(records: list[logging.LogRecord]) -> None:
    assert seen(records) == [(level, name) for level, name, _ in CALL]
    for record, (_, _, words) in zip(records, CALL):
        assert words in record.getMessage()


# Without a configured handler.

QUIET = """
import sys

url, ca_bundle, certificate, private_key, missing, imported = sys.argv[1:]
if imported == "logging":
    import logging
import libdcs

options = {"ca_bundle": ca_bundle, "certificate": certificate, "private_key": private_key}
with libdcs.Client(url=url, **options) as client:
    client.status()
for changes in {"url": url.replace("passport", "404")}, {"ca_bundle": missing}:
    try:
        libdcs.Client(**{"url": url, **options, **changes}).status()
    except libdcs.DcsError:
        pass
    else:
        sys.exit(f"{changes} must fail")
libdcs.diagnose(url=url, **options)
assert ("logging" in sys.modules) == (imported == "logging")
"""


@pytest.mark.parametrize("imported", ["logging", "nothing"])
def test_prints_nothing_and_does_not_import_logging(testbed: Testbed, imported: str) -> None:
    # The certificate expires soon: without a handler, logging would print the warning.
    certificate, private_key = (testbed.files[name] for name in EXPIRING)
    url = testbed.url("tls12_close")
    files = (testbed.files["ca_bundle"], certificate, private_key, testbed.files["missing"])
    run = subprocess.run(
        [sys.executable, "-c", QUIET, url, *files, imported],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_certificate_expiry_warning(testbed: Testbed, caplog: pytest.LogCaptureFixture) -> None:
    certificate, private_key = (testbed.files[name] for name in EXPIRING)
    changes = {"certificate": certificate, "private_key": private_key}
    assert PARENT.getEffectiveLevel() == logging.WARNING
    with testbed.client("tls12_close", **changes) as client:
        client.status()
        client.status()
    testbed.error("tls12_close", "/404")
    [record] = caplog.records
    assert (record.levelname, record.name) == ("WARNING", "libdcs.files")
    assert f"{certificate} expires on 20" in record.getMessage()


# The records.


@pytest.mark.parametrize("listener", ["tls12_close", "tls13_close"])
def test_records_of_call(testbed: Testbed, listener: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="libdcs")
    begin = int(time.time() * 1000) / 1000
    with testbed.client(listener) as client:
        assert seen(caplog.records) == FILES
        caplog.clear()
        client.status()
    end = time.time()
    assert_a_call(caplog.records)
    times = [record.created for record in caplog.records]
    assert times == sorted(times)
    assert begin <= times[0] <= times[-1] <= end
    for record in caplog.records:
        assert record.msecs == pytest.approx(record.created % 1 * 1000, abs=0.01)
        assert record.threadName == threading.current_thread().name
        assert (record.args, record.exc_info) == ((), None)


def test_percent_sign_is_not_a_format(testbed: Testbed, logged: Records) -> None:
    testbed.error("tls12_close", "/%73-%d-%(name)s")
    assert any("GET /%73-%d-%" in record.getMessage() for record in logged.records)


def test_failed_call_is_logged_at_info(testbed: Testbed, logged: Records) -> None:
    error = testbed.error("tls12_close", "/404")
    *steps, last = logged.take()
    assert {record.levelno for record in steps} == {logging.DEBUG}
    assert (last.levelname, last.name) == ("INFO", "libdcs.client")
    assert f": {error.code} after " in last.getMessage()

    wrong_bundle = testbed.error("tls12_close", ca_bundle=testbed.files["other_ca_bundle"])
    assert wrong_bundle.code is Code.SERVER_UNTRUSTED
    records = [record for record in logged.take() if record.name == "libdcs.tls"]
    assert any(": rejected" in record.getMessage() for record in records)

    with pytest.raises(libdcs.ConfigError) as info:
        testbed.client("tls12_close", private_key=testbed.files["other_key"])
    last = logged.take()[-1]
    assert (last.levelname, last.name) == ("INFO", "libdcs.client")
    assert last.getMessage() == f"no client was created: {info.value.code}: {info.value.message}"


def test_records_of_diagnosis(testbed: Testbed, logged: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    options = testbed.options(testbed.url("tls12_close"))
    libdcs.diagnose(**options)
    first = seen(logged.take())
    assert {name for _, name, _ in CALL} | {"libdcs.files"} == {name for _, name in first}
    for option in ("url", "ca_bundle", "certificate", "private_key"):
        monkeypatch.setenv(f"DCS_{option.upper()}", options[option])
    libdcs.diagnose_from_env()
    assert seen(logged.take()) == first
    libdcs.Client.from_env()
    assert seen(logged.take()) == FILES


# Levels.


def test_level_changes_take_effect_on_next_call(testbed: Testbed, logged: Records) -> None:
    with testbed.client("tls12_close") as client:
        levels = {}
        for level in (logging.ERROR, logging.INFO, logging.DEBUG, logging.WARNING, 15, _log.TRACE, 0):
            PARENT.setLevel(level)
            logged.take()
            client.status()
            levels[level] = {record.levelno for record in logged.take()}
    assert levels[logging.ERROR] == levels[logging.WARNING] == set()
    assert levels[logging.INFO] == levels[15] == {logging.INFO}
    assert levels[logging.DEBUG] == {logging.INFO, logging.DEBUG}
    assert levels[_log.TRACE] == {logging.INFO, logging.DEBUG, _log.TRACE}
    # NOTSET: the root logger's, which is WARNING.
    assert levels[0] == set()


def test_level_of_one_logger(testbed: Testbed, logged: Records) -> None:
    PARENT.setLevel(logging.WARNING)
    logging.getLogger("libdcs.tls").setLevel(logging.DEBUG)
    with testbed.client("tls12_close") as client:
        client.status()
    assert seen(logged.take()) == [(level, name) for level, name, _ in CALL if name == "libdcs.tls"]
    PARENT.setLevel(logging.DEBUG)
    logging.getLogger("libdcs.tls").setLevel(logging.WARNING)
    testbed.client("tls12_close").status()
    assert "libdcs.tls" not in {record.name for record in logged.records}
    assert "libdcs.tcp" in {record.name for record in logged.records}


def test_logging_disable(testbed: Testbed, logged: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    logging.disable(logging.DEBUG)
    levels: list[int] = []
    api = libdcs._native.api
    set_level = api.dcs_log_set_level

    def noted(level: int) -> None:
        levels.append(level)
        set_level(level)

    monkeypatch.setattr(api, "dcs_log_set_level", noted)
    testbed.client("tls12_close").status()
    assert seen(logged.take()) == [("INFO", "libdcs.client")]
    # The library's level follows logging.disable().
    assert levels == [3, 3]


def test_records_hide_secrets(testbed: Testbed, logged: Records, closing: Listener) -> None:
    PARENT.setLevel(_log.TRACE)
    proxy = closing.url.replace("https://", "http://user:p%40ss@").replace("/checks/passport", "")
    key = Path(testbed.files["client_key_encrypted"])
    for private_key in (key, key.read_bytes(), key.read_text(encoding="ascii")):
        changes: dict[str, Any] = {"private_key": private_key, "password": "correct horse"}
        testbed.client("tls12_close", "/checks/passport?case=hidden-query", **changes).status()
        assert testbed.error("tls12_close", proxy=proxy, **changes).code is Code.PROXY
        with pytest.raises(libdcs.ConfigError):
            testbed.client("tls12_close", private_key=private_key, password="battery staple")
        url = testbed.url("tls12_close", "/checks/passport?case=hidden-query")
        libdcs.diagnose(**testbed.options(url, **changes))
    records = logged.take()
    assert _log.TRACE in {record.levelno for record in records}
    texts = "\n".join(str(vars(record)) for record in records)
    assert "with credentials" in texts
    secrets = ["correct horse", "battery", "p%40ss", "p@ss", "dXNlcjpwQHNz", "hidden-query", "BEGIN"]
    for name in ("client_key_encrypted", "client_key", "client_cert"):
        lines = Path(testbed.files[name]).read_text(encoding="ascii").splitlines()
        secrets += [line[:16] for line in lines if not line.startswith("-----")]
    assert len(secrets) > 50
    assert [secret for secret in secrets if secret in texts] == []


# Handlers of the application.


@pytest.mark.parametrize("raise_exceptions", [True, False])
@pytest.mark.parametrize("place", ["handler", "filter", "record factory"])
def test_exception_in_handler_is_contained(
    testbed: Testbed,
    place: str,
    raise_exceptions: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", raise_exceptions)
    PARENT.setLevel(logging.DEBUG)
    failing = Failing(ZeroDivisionError("in the application"))
    factory = logging.getLogRecordFactory()

    def fail(record: logging.LogRecord) -> bool:
        failing.emit(record)
        return True

    def make(*arguments: Any, **more: Any) -> logging.LogRecord:
        record = factory(*arguments, **more)
        failing.emit(record)
        return record

    if place == "handler":
        PARENT.addHandler(failing)
    elif place == "filter":
        for logger in LOGGERS:
            logger.addFilter(fail)
    else:
        logging.setLogRecordFactory(make)
    try:
        with testbed.client("tls12_close") as client:
            assert client.status().available
        assert testbed.error("tls12_close", "/404").code is Code.NOT_FOUND
        with pytest.raises(libdcs.ConfigError):
            testbed.client("tls12_close", private_key=testbed.files["missing"])
        assert libdcs.diagnose(**testbed.options(testbed.url("tls12_close"))).ok
    finally:
        logging.setLogRecordFactory(factory)
    # Also the records after the first failure.
    assert len(failing.records) > 40
    printed = capsys.readouterr().err
    assert printed.count("ZeroDivisionError: in the application") == raise_exceptions * len(failing.records)


def test_keyboard_interrupt_in_handler_propagates(testbed: Testbed) -> None:
    client = testbed.client("tls12_close")
    PARENT.setLevel(logging.DEBUG)
    PARENT.addHandler(Failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        client.status()
    with pytest.raises(KeyboardInterrupt):
        testbed.client("tls12_close")


def test_handler_makes_calls(testbed: Testbed, logged: Records) -> None:
    client = testbed.client("tls12_close")
    logged.take()
    answers: list[bool] = []

    class Calling(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if len(answers) < 50:
                answers.append(client.status().available)

    calling = Calling()
    PARENT.addHandler(calling)
    client.status()
    assert answers == [True] * len(CALL)
    # Its own calls log nothing, which would never end; later records still arrive.
    assert_a_call(logged.take())
    PARENT.removeHandler(calling)
    client.status()
    assert "libdcs.client" in {record.name for record in logged.take()}


# Threads.


def test_records_of_threads(testbed: Testbed, logged: Records) -> None:
    threads, calls = 16, 50
    failures: list[BaseException] = []
    with testbed.client("tls12_close") as good, testbed.client("tls12_close", "/404") as bad:
        logged.take()

        def work() -> None:
            try:
                for _ in range(calls):
                    assert good.status().available
                    with pytest.raises(libdcs.ServiceError):
                        bad.status()
            except BaseException as error:
                failures.append(error)

        running = [threading.Thread(target=work) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join(LIMIT)
            assert not thread.is_alive()
    assert failures == []
    # Every record arrives once, under its own name, whichever thread passes it on.
    last = [record.getMessage() for record in logged.records if record.name == "libdcs.client"]
    assert sum("HTTP 200 after" in text for text in last) == threads * calls
    assert sum("DCS_ERR_NOT_FOUND after" in text for text in last) == threads * calls
    assert len(last) == 2 * threads * calls
    sent = [record for record in logged.records if record.getMessage().startswith("GET /")]
    assert len(sent) == 2 * threads * calls
    assert {record.name for record in sent} == {"libdcs.http"}


def test_logging_being_imported_by_other_thread() -> None:
    # Meanwhile sys.modules holds an incomplete module; the call waits until it is complete.
    code = """
import sys, threading
import libdcs
assert "logging" not in sys.modules
started, go_on = threading.Event(), threading.Event()

class Slow:
    def find_spec(self, name, path=None, target=None):
        if "logging" in sys.modules and threading.current_thread() is importing:
            started.set()
            go_on.wait(120)

# logging imports string in the middle of its body, and this program has not imported it.
sys.modules.pop("string", None)
sys.meta_path.insert(0, Slow())
importing = threading.Thread(target=__import__, args=("logging",))
importing.start()
assert started.wait(120)
assert not hasattr(sys.modules["logging"], "NullHandler")
calling = threading.Thread(target=libdcs._log.prepare)
calling.start()
go_on.set()
calling.join(120)
importing.join(120)
assert len(sys.modules["logging"].getLogger("libdcs").handlers) == 1
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT)
    assert (run.returncode, run.stderr) == (0, "")


# Documentation.


def test_readme_log_output(testbed: Testbed, tmp_path: Path) -> None:
    path = REPOSITORY / "bindings" / "python" / "README.md"
    readme = path.read_text(encoding="utf-8")
    found = re.search(r"## Logging\n.*?```python\n(.*?)```.*?```text\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    names = {"ca_bundle": "ca-bundle.pem", "client_cert": "client.pem", "client_key": "client.key"}
    for name, file in names.items():
        shutil.copy(testbed.files[name], tmp_path / file)
    example = found[1].replace("Client(", f"Client(url={testbed.url('tls12_close')!r}, ")
    run = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT
    )
    assert run.returncode == 0, run.stderr
    # The testbed's port and the names of its certificates differ in each run.
    written = re.sub(r" Integration \d{4}-\d\d-\d\d", "", re.sub(r":\d{4,5}\b", ":8443", run.stderr))
    if os.environ.get("DCS_WRITE_BINDINGS"):
        path.write_text(readme[: found.start(2)] + written + readme[found.end(2) :], encoding="utf-8")
    else:
        numbers = re.compile(r"\b\d+ (ms|bytes)")
        shown = numbers.sub(r"N \1", found[2])
        assert numbers.sub(r"N \1", written) == shown, "README.md is out of date: run `make bindings`"
