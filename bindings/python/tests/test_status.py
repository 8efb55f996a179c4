"""The status and its connection."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import datetime, timedelta, timezone

import pytest

import libdcs
from conftest import APACHE, NGINX, Testbed


@pytest.mark.parametrize("listener", NGINX + APACHE)
def test_available(testbed: Testbed, listener: str) -> None:
    with testbed.client(listener) as client:
        status = client.status()
    assert status.available is True
    assert status.message is None
    assert status.scheduled_outages == ()
    assert status.json.strip() == '{"available":true,"scheduledOutages":[]}'
    assert status.rate_limit is None
    assert status.quota is None


@pytest.mark.parametrize("listener", NGINX)
def test_connection(testbed: Testbed, listener: str) -> None:
    with testbed.client(listener) as client:
        first = client.status().connection
        second = client.status().connection
    version = "TLSv1.2" if listener.startswith("tls12") else "TLSv1.3"
    for connection in (first, second):
        assert connection.tls_version == version
        assert connection.cipher.startswith("TLS_")
        assert 0 < connection.first_byte <= connection.total < 30
    assert not first.reused
    assert not first.session_resumed
    assert first.tcp > 0
    assert 0 < first.tls < first.total
    if listener.endswith("keepalive"):
        assert second.reused
        assert second.dns == second.tcp == second.tls == 0.0
    else:
        assert not second.reused
        assert second.session_resumed


def test_unavailable_is_not_an_error(testbed: Testbed) -> None:
    with testbed.client("tls12_close", "/unavailable") as client:
        status = client.status()
    assert status.available is False
    assert status.message == "Unplanned outage"


def test_outages_are_aware_datetimes(testbed: Testbed) -> None:
    with testbed.client("tls12_close", "/outages") as client:
        status = client.status()
    first, second = status.scheduled_outages
    assert first == libdcs.Outage(
        datetime(2020, 1, 1, 12, 30, tzinfo=timezone.utc),
        datetime(2020, 1, 1, 14, 30, tzinfo=timezone.utc),
        "Planned maintenance",
    )
    assert second.message is None
    # Compared with the body as Python's own parsers read it.
    raw = json.loads(status.json)["scheduledOutages"]
    for outage, member in zip(status.scheduled_outages, raw):
        for moment, text in ((outage.start, member["start"]), (outage.end, member["end"])):
            assert moment.utcoffset() == timedelta(0)
            assert moment == datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_rate_limit_and_quota(testbed: Testbed) -> None:
    with testbed.client("tls12_close", "/limits") as client:
        status = client.status()
    assert status.rate_limit == libdcs.RateLimit(limit=50, remaining=49, reset=10.0)
    assert status.quota == libdcs.Quota(limit=1000, remaining=900)


def test_unknown_fields_are_accepted(testbed: Testbed) -> None:
    with testbed.client("tls12_close", "/unknown-fields") as client:
        status = client.status()
    assert status.message is None
    assert len(json.loads(status.json)) > 2


def test_constructor_ignores_environment(
    testbed: Testbed, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "DCS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("DCS_URL", f"https://127.0.0.1:{closed_port}/")
    monkeypatch.setenv("SSL_CERT_FILE", testbed.files["other_ca_bundle"])
    with testbed.client("tls12_close") as client:
        assert client.status().available


def test_status_is_immutable_value(testbed: Testbed) -> None:
    with testbed.client("tls12_close", "/outages") as client:
        status = client.status()
    del client
    for same in (pickle.loads(pickle.dumps(status)), copy.deepcopy(status), copy.copy(status)):
        assert same == status
        assert hash(same) == hash(status)
    assert "2020, 1, 1, 12, 30" in repr(status)
    assert status != libdcs.Status(True)
    assert status != "a status"
    for value in (status, status.connection, status.scheduled_outages[0]):
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(value, value.__slots__[0], None)
        with pytest.raises(AttributeError, match="cannot be changed"):
            delattr(value, value.__slots__[0])
        with pytest.raises(AttributeError):
            value.no_such_field = 1


def test_status_constructor_has_defaults() -> None:
    status = libdcs.Status(available=False, message="Planned outage")
    assert status.scheduled_outages == ()
    assert status.connection == libdcs.Connection()
