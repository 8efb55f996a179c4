"""Provokes every code; compares its exception class and attributes."""

from __future__ import annotations

import copy
import errno
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import libdcs
from conftest import APACHE, LIMIT, NGINX, Listener, Testbed
from libdcs import Code, ConfigError, DcsError, NetworkError, ServiceError, TlsError

REJECTED = (
    "rejected_wrong_ca",
    "rejected_expired",
    "rejected_not_yet_valid",
    "rejected_self_signed",
    "rejected_revoked",
    "rejected_no_client_auth",
    "rejected_missing_intermediate",
    "rejected_too_deep",
)
NONE_SENT = {"certificate": None, "private_key": None}

# Pickles its error to standard output.
CHILD = """
import pickle, sys
import libdcs

try:
    libdcs.Client(**pickle.load(sys.stdin.buffer)).status()
except libdcs.DcsError as error:
    pickle.dump(error, sys.stdout.buffer)
"""

Provoke = Callable[[Testbed, "Sites"], object]


class Sites:
    """Addresses other than the testbed's."""

    def __init__(self, silent: Listener, closing: Listener, closed_port: int, folder: Path) -> None:
        self.folder = folder
        self.silent = silent
        self.silent_url = silent.url
        self.closing = closing.url
        self.closed = f"https://127.0.0.1:{closed_port}/checks/passport"
        self.closed_proxy = f"http://127.0.0.1:{closed_port}"


@pytest.fixture
def sites(silent: Listener, closing: Listener, closed_port: int, tmp_path: Path) -> Sites:
    return Sites(silent, closing, closed_port, tmp_path)


def create(**changes: str) -> Provoke:
    """Create a client with some of its files replaced."""

    def provoke(testbed: Testbed, _: Sites) -> object:
        files = {option: testbed.files[name] for option, name in changes.items()}
        return testbed.client("tls12_close", **files)

    return provoke


def call(listener: str, path: str = "/checks/passport") -> Provoke:
    """Make a call to a listener of the testbed."""
    return lambda testbed, _: testbed.client(listener, path).status()


def visit(site: str, **changes: float) -> Provoke:
    """Make a call to another address."""
    return lambda testbed, sites: libdcs.Client(**testbed.options(getattr(sites, site), **changes)).status()


def look_up(testbed: Testbed, sites: Sites) -> object:
    """Make a call in a process whose resolver finds no name, so that no name server is asked."""
    source, library = sites.folder / "resolver.c", sites.folder / "resolver.so"
    source.write_text("int getaddrinfo(void) { return -2; }")  # EAI_NONAME
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    child = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=pickle.dumps(testbed.options("https://dcs.invalid/checks/passport")),
        stdout=subprocess.PIPE,
        env={**os.environ, "LD_PRELOAD": str(library)},
        timeout=LIMIT,
        check=True,
    )
    raise pickle.loads(child.stdout)


def interrupt(testbed: Testbed, sites: Sites) -> object:
    """Make a call that another thread interrupts."""
    client = libdcs.Client(**testbed.options(sites.silent.url))

    def end() -> None:
        assert sites.silent.connected.wait(LIMIT)
        client.interrupt()

    threading.Thread(target=end).start()
    return client.status()


PROVOCATIONS: dict[Code, tuple[type[DcsError], Provoke]] = {
    Code.INVALID_ARGUMENT: (ConfigError, lambda *_: libdcs.Client(url="http://localhost/")),
    Code.FILE: (ConfigError, create(certificate="missing")),
    Code.CA_BUNDLE: (ConfigError, create(ca_bundle="garbage")),
    Code.CERTIFICATE: (ConfigError, create(certificate="csr")),
    Code.PRIVATE_KEY: (ConfigError, create(private_key="public_key")),
    Code.PASSWORD: (ConfigError, create(private_key="client_key_encrypted")),
    Code.KEY_MISMATCH: (ConfigError, create(private_key="other_key")),
    Code.RESOLVE: (NetworkError, look_up),
    Code.CONNECT: (NetworkError, visit("closed")),
    Code.PROXY: (
        NetworkError,
        lambda testbed, sites: testbed.client("tls12_close", proxy=sites.closed_proxy).status(),
    ),
    Code.TIMEOUT: (NetworkError, visit("silent_url", timeout=0.2)),
    Code.CONNECTION_LOST: (NetworkError, visit("closing")),
    Code.INTERRUPTED: (NetworkError, interrupt),
    Code.SERVER_UNTRUSTED: (TlsError, call("server_unknown_ca")),
    Code.SERVER_CERTIFICATE: (TlsError, call("server_expired")),
    Code.SERVER_NAME: (TlsError, call("server_wrong_name")),
    Code.CLIENT_CERT_REQUIRED: (
        TlsError,
        lambda testbed, _: testbed.client("tls12_close", **NONE_SENT).status(),
    ),
    Code.CLIENT_CERT_REJECTED: (
        TlsError,
        lambda testbed, _: testbed.client(
            "tls12_close",
            certificate=testbed.files["rejected_wrong_ca_cert"],
            private_key=testbed.files["rejected_wrong_ca_key"],
        ).status(),
    ),
    Code.TLS: (TlsError, call("tls11_only")),
    Code.BAD_REQUEST: (ServiceError, call("tls12_close", "/400")),
    Code.QUOTA_EXCEEDED: (ServiceError, call("tls12_close", "/403")),
    Code.NOT_FOUND: (ServiceError, call("tls12_close", "/404")),
    Code.RATE_LIMITED: (ServiceError, call("tls12_close", "/429")),
    Code.HTTP: (ServiceError, call("tls12_close", "/500")),
    Code.RESPONSE: (ServiceError, call("tls12_close", "/html")),
    Code.UNAVAILABLE: (ServiceError, call("tls12_close", "/503")),
}


@pytest.mark.parametrize("code", PROVOCATIONS, ids=str)
def test_code_and_class(code: Code, testbed: Testbed, sites: Sites) -> None:
    kind, provoke = PROVOCATIONS[code]
    with pytest.raises(DcsError) as info:
        provoke(testbed, sites)
    error = info.value
    assert error.code is code
    assert type(error) is kind
    assert error.message
    assert error.hint
    # A plain traceback shows the message, the code and the hint.
    assert all(part in str(error) for part in (error.message, str(code), error.hint))
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(same) is kind
        assert vars(same) == vars(error)
        assert str(same) == str(error)


def test_every_code_is_tested() -> None:
    # No input provokes an internal error.
    assert set(PROVOCATIONS) == set(Code) - {Code.OK, Code.INTERNAL}


@pytest.mark.parametrize("listener", NGINX)
@pytest.mark.parametrize(
    ("path", "code", "http_status", "retry_after", "retryable"),
    [
        ("/400", Code.BAD_REQUEST, 400, None, False),
        ("/403", Code.QUOTA_EXCEEDED, 403, None, False),
        ("/404", Code.NOT_FOUND, 404, None, False),
        ("/429", Code.RATE_LIMITED, 429, 7.0, True),
        ("/503", Code.UNAVAILABLE, 503, 2.0, True),
        ("/redirect", Code.HTTP, 302, None, False),
    ],
)
def test_http_errors(
    testbed: Testbed,
    listener: str,
    path: str,
    code: Code,
    http_status: int,
    retry_after: float | None,
    retryable: bool,
) -> None:
    error = testbed.error(listener, path)
    assert error.code is code
    assert isinstance(error, ServiceError)
    assert error.http_status == http_status
    assert error.retry_after == retry_after
    assert error.retry_after is None or isinstance(error.retry_after, float)
    assert error.retryable is retryable
    assert error.tls_alert is None
    assert error.os_code is None


def test_rate_limit_and_quota_of_error(testbed: Testbed) -> None:
    error = testbed.error("tls12_close", "/429")
    assert error.rate_limit == libdcs.RateLimit(limit=50, remaining=0, reset=7.0)
    assert error.quota is None
    error = testbed.error("tls12_close", "/403")
    assert error.rate_limit is None
    assert error.quota == libdcs.Quota(limit=1000, remaining=0)
    error = testbed.error("tls12_close", "/503")
    assert error.rate_limit is None
    assert error.quota is None


def test_internal_server_error(testbed: Testbed) -> None:
    error = testbed.error("tls12_close", "/500")
    assert error.code is Code.HTTP
    assert error.http_status == 500


@pytest.mark.parametrize(
    "path", ["/html", "/not-json", "/wrong-types", "/no-available", "/bad-time", "/large"]
)
def test_invalid_responses(testbed: Testbed, path: str) -> None:
    error = testbed.error("tls12_close", path)
    assert error.code is Code.RESPONSE
    assert isinstance(error, ServiceError)
    assert error.http_status == 200


@pytest.mark.parametrize("listener", NGINX)
def test_no_client_certificate(testbed: Testbed, listener: str) -> None:
    error = testbed.error(listener, **NONE_SENT)
    assert error.code is Code.CLIENT_CERT_REQUIRED
    assert isinstance(error, TlsError)
    assert error.http_status == 400
    assert not error.retryable


@pytest.mark.parametrize(("listener", "alert"), [("apache_tls12", 40), ("apache_tls13", 116)])
def test_no_client_certificate_alert(testbed: Testbed, listener: str, alert: int) -> None:
    error = testbed.error(listener, **NONE_SENT)
    assert error.code is Code.CLIENT_CERT_REQUIRED
    assert isinstance(error, TlsError)
    assert error.tls_alert == alert
    assert error.http_status is None


@pytest.mark.parametrize("listener", NGINX + APACHE)
@pytest.mark.parametrize("case", REJECTED)
def test_rejected_client_certificate(testbed: Testbed, listener: str, case: str) -> None:
    error = testbed.error(
        listener,
        certificate=testbed.files[f"{case}_cert"],
        private_key=testbed.files[f"{case}_key"],
    )
    assert error.code is Code.CLIENT_CERT_REJECTED
    assert isinstance(error, TlsError)
    if listener in NGINX:
        assert error.http_status == 400
        assert error.tls_alert is None
    else:
        assert error.http_status is None
        assert error.tls_alert is not None


def test_ca_bundle_completes_client_chain(testbed: Testbed) -> None:
    with testbed.client(
        "tls12_close",
        ca_bundle=testbed.files["ca_bundle_with_second_intermediate"],
        certificate=testbed.files["rejected_missing_intermediate_cert"],
        private_key=testbed.files["rejected_missing_intermediate_key"],
    ) as client:
        assert client.status().available


@pytest.mark.parametrize("listener", NGINX)
def test_wrong_ca_bundle(testbed: Testbed, listener: str) -> None:
    error = testbed.error(listener, ca_bundle=testbed.files["other_ca_bundle"])
    assert error.code is Code.SERVER_UNTRUSTED
    assert isinstance(error, TlsError)
    assert not error.retryable


@pytest.mark.parametrize(
    ("listener", "code"),
    [
        ("server_unknown_ca", Code.SERVER_UNTRUSTED),
        ("server_expired", Code.SERVER_CERTIFICATE),
        ("server_not_yet_valid", Code.SERVER_CERTIFICATE),
        ("server_wrong_purpose", Code.SERVER_CERTIFICATE),
        ("server_wrong_name", Code.SERVER_NAME),
        ("tls11_only", Code.TLS),
    ],
)
def test_server_certificate_and_version_errors(testbed: Testbed, listener: str, code: Code) -> None:
    error = testbed.error(listener)
    assert error.code is code
    assert isinstance(error, TlsError)


def test_server_without_tls(testbed: Testbed) -> None:
    url = testbed.url("plain_http").replace("http://", "https://")
    with libdcs.Client(**testbed.options(url)) as client, pytest.raises(TlsError) as info:
        client.status()
    assert info.value.code is Code.TLS


def test_os_code_of_refused_connection(testbed: Testbed, sites: Sites) -> None:
    with (
        libdcs.Client(**testbed.options(sites.closed)) as client,
        pytest.raises(NetworkError) as info,
    ):
        client.status()
    assert info.value.code is Code.CONNECT
    assert info.value.os_code == errno.ECONNREFUSED
    assert info.value.retryable


def test_timeouts(testbed: Testbed, sites: Sites) -> None:
    for option in ("timeout", "connect_timeout"):
        with (
            libdcs.Client(**testbed.options(sites.silent_url, **{option: 0.2})) as client,
            pytest.raises(NetworkError) as info,
        ):
            client.status()
        assert info.value.code is Code.TIMEOUT
        assert info.value.retryable


def test_code_is_integer_with_c_name() -> None:
    assert str(Code.CLIENT_CERT_REJECTED) == "DCS_ERR_CLIENT_CERT_REJECTED"
    assert f"{Code.CLIENT_CERT_REJECTED}" == "DCS_ERR_CLIENT_CERT_REJECTED"
    assert str(Code.OK) == "DCS_OK"
    assert int(Code.CLIENT_CERT_REJECTED) == 304
    assert pickle.loads(pickle.dumps(Code.TLS)) is Code.TLS


def test_code_of_newer_library() -> None:
    code = Code(777)
    assert code == 777
    assert str(code) == "DCS_ERR_UNKNOWN_777"
    assert code not in list(Code)
    assert pickle.loads(pickle.dumps(code)) == code
    with pytest.raises(ValueError, match="not a valid Code"):
        Code("TLS")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not a valid Code"):
        Code(2**31)


def test_exception_hierarchy() -> None:
    for kind in (ConfigError, NetworkError, TlsError, ServiceError, libdcs.ClosedError):
        assert issubclass(kind, DcsError)
        assert kind.__module__ == "libdcs"
    assert issubclass(libdcs.LoadError, ImportError)
