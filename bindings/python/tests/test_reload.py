"""Reloading files, honouring Retry-After and sharing a status."""

from __future__ import annotations

import shutil
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest

import libdcs
from conftest import LIMIT, Testbed
from libdcs import ClosedError, Code, ConfigError, ServiceError

OPTIONS = {"ca_bundle": "ca_bundle", "certificate": "client_cert", "private_key": "client_key"}


@pytest.fixture
def files(testbed: Testbed, tmp_path: Path) -> dict[str, Path]:
    """Copies of the client's files for a test to change."""
    copies = {option: tmp_path / option for option in OPTIONS}
    for option, name in OPTIONS.items():
        shutil.copy(testbed.files[name], copies[option])
    return copies


def replace(testbed: Testbed, files: dict[str, Path], certificate: str, private_key: str) -> None:
    shutil.copy(testbed.files[certificate], files["certificate"])
    shutil.copy(testbed.files[private_key], files["private_key"])


def test_reload(testbed: Testbed, files: dict[str, Path]) -> None:
    replace(testbed, files, "rejected_expired_cert", "rejected_expired_key")
    with testbed.client("tls12_close", **files) as client:
        expired = client.certificate_not_after
        assert expired is not None
        assert expired < datetime.now(timezone.utc)
        with pytest.raises(libdcs.TlsError):
            client.status()
        replace(testbed, files, "client_cert", "client_key")
        with pytest.raises(libdcs.TlsError):
            client.status()  # It has not looked at the files.
        client.reload()
        assert client.status().available
        renewed = client.certificate_not_after
        assert renewed is not None
        assert renewed.tzinfo is timezone.utc
        assert renewed > datetime.now(timezone.utc)


def test_failed_reload_keeps_previous_files(testbed: Testbed, files: dict[str, Path]) -> None:
    with testbed.client("tls12_close", **files) as client:
        before = client.certificate_not_after
        shutil.copy(testbed.files["other_key"], files["private_key"])
        with pytest.raises(ConfigError) as info:
            client.reload()
        assert info.value.code is Code.KEY_MISMATCH
        assert str(files["private_key"]) in str(info.value)
        files["certificate"].unlink()
        with pytest.raises(ConfigError) as info:
            client.reload()
        assert info.value.code is Code.FILE
        assert client.status().available
        assert client.certificate_not_after == before


def test_reload_needs_a_file(testbed: Testbed) -> None:
    content = {option: Path(testbed.files[name]).read_bytes() for option, name in OPTIONS.items()}
    with testbed.client("tls12_close", **content) as client:
        with pytest.raises(ConfigError) as info:
            client.reload()
        assert info.value.code is Code.INVALID_ARGUMENT
        assert client.status().available


def test_reload_of_closed_client(testbed: Testbed) -> None:
    client = testbed.client("tls12_close")
    client.close()
    with pytest.raises(ClosedError):
        client.reload()
    with pytest.raises(ClosedError):
        _ = client.certificate_not_after


def test_certificate_not_after_without_certificate(testbed: Testbed) -> None:
    with testbed.client("tls12_close", certificate=None, private_key=None) as client:
        assert client.certificate_not_after is None


def test_reload_during_calls_of_threads(testbed: Testbed, files: dict[str, Path]) -> None:
    failures: list[BaseException] = []
    with testbed.client("tls12_keepalive", **files) as client:

        def call() -> None:
            try:
                for _ in range(200):
                    assert client.status().available
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(50):
            client.reload()
        for thread in threads:
            thread.join(LIMIT)
            assert not thread.is_alive()
    assert failures == []


def test_reload_interval(testbed: Testbed, files: dict[str, Path]) -> None:
    replace(testbed, files, "rejected_expired_cert", "rejected_expired_key")
    with testbed.client("tls12_close", **files, reload_interval=0.001) as client:
        with pytest.raises(libdcs.TlsError):
            client.status()
        replace(testbed, files, "client_cert", "client_key")
        assert client.status().available


def test_honour_retry_after(testbed: Testbed) -> None:
    for honour_retry_after, requests in ((True, 1), (False, 3)):
        case = f"case=python-honour-{honour_retry_after}"
        with testbed.client(
            "tls12_close", f"/429?{case}", honour_retry_after=honour_retry_after, timeout=10
        ) as client:
            for call in range(3):
                with pytest.raises(ServiceError) as info:
                    client.status()
                assert info.value.code is Code.RATE_LIMITED
                assert info.value.retry_after is not None
                assert 0 < info.value.retry_after <= 7
                assert info.value.http_status == (429 if call == 0 or not honour_retry_after else None)
        assert testbed.requests(case, requests) == requests


def test_status_max_age(testbed: Testbed) -> None:
    for status_max_age, requests in ((60, 1), (None, 2)):
        case = f"case=python-age-{status_max_age}"
        with testbed.client(
            "tls12_close", f"/checks/passport?{case}", status_max_age=status_max_age
        ) as client:
            first = client.status()
            assert first.age == 0.0
            second = client.status()
            assert isinstance(second.age, float)
            assert 0 <= second.age < 60
            assert (second.connection == first.connection) is (requests == 1)
            while requests == 1 and second.age == 0:
                second = client.status()
        assert testbed.requests(case, requests) == requests


def test_from_env(testbed: Testbed, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DCS_URL": testbed.url("tls12_close"),
        "DCS_CA_BUNDLE": testbed.files["ca_bundle"],
        "DCS_CERTIFICATE": testbed.files["client_cert"],
        "DCS_PRIVATE_KEY": testbed.files["client_key"],
        "DCS_RELOAD_INTERVAL_MS": "60000",
        "DCS_HONOUR_RETRY_AFTER": "1",
        "DCS_STATUS_MAX_AGE_MS": "60000",
    }.items():
        monkeypatch.setenv(name, value)
    with libdcs.Client.from_env() as client:
        assert client.status().connection == client.status().connection


def test_diagnose_accepts_all_options(testbed: Testbed) -> None:
    options = testbed.options(testbed.url("tls12_close"))
    assert libdcs.diagnose(**options, reload_interval=1.0, honour_retry_after=True, status_max_age=1.0).ok
    with pytest.raises(ConfigError):
        libdcs.diagnose(**options, status_max_age=-1.0)
