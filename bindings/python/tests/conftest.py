"""The testbed: real nginx and Apache httpd, described by the JSON file that DCS_TESTBED names."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import libdcs

REPOSITORY = Path(__file__).resolve().parents[3]
NGINX = ("tls12_close", "tls12_keepalive", "tls13_close", "tls13_keepalive")
APACHE = ("apache_tls12", "apache_tls13")


class Testbed:
    """Files and URLs of the testbed, and clients for it."""

    __test__ = False

    def __init__(self, description: dict[str, dict[str, str]]) -> None:
        self.files = description["files"]
        self.urls = description["urls"]
        self.logs = description["logs"]

    def url(self, listener: str, path: str = "/checks/passport") -> str:
        return self.urls[listener] + path

    def options(self, url: str, /, **changes: Any) -> dict[str, Any]:
        """Return what Client takes to be answered by `url`, with some of it changed."""
        options: dict[str, Any] = {
            "url": url,
            "ca_bundle": self.files["ca_bundle"],
            "certificate": self.files["client_cert"],
            "private_key": self.files["client_key"],
        }
        return {**options, **changes}

    def client(self, listener: str, path: str = "/checks/passport", /, **changes: Any) -> libdcs.Client:
        return libdcs.Client(**self.options(self.url(listener, path), **changes))

    def error(self, listener: str, path: str = "/checks/passport", /, **changes: Any) -> libdcs.DcsError:
        """Return the error of a status call that must fail."""
        with self.client(listener, path, **changes) as client, pytest.raises(libdcs.DcsError) as info:
            client.status()
        return info.value


class Listener:
    """A port on 127.0.0.1 that takes connections and never speaks TLS."""

    def __init__(self, *, hang_up: bool) -> None:
        self.connected = threading.Event()
        self._hang_up = hang_up
        self._connections: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._socket.getsockname()[1]}/checks/passport"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # close() was called
                return
            with contextlib.suppress(OSError):
                connection.recv(65536)  # the ClientHello
            self._connections.append(connection)
            self.connected.set()
            if self._hang_up:
                self.drop()

    def drop(self) -> None:
        """End the connections taken so far."""
        while self._connections:
            self._connections.pop().close()

    def hang_up(self) -> None:
        """End the connections taken so far, and from now on each one that comes."""
        self._hang_up = True
        self.drop()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)
        self.drop()


@pytest.fixture(scope="session")
def testbed() -> Testbed:
    path = os.environ.get("DCS_TESTBED")
    if not path:
        pytest.fail("DCS_TESTBED is not set: run these tests inside dcs-testbed")
    return Testbed(json.loads(Path(path).read_text(encoding="utf-8")))


@pytest.fixture
def silent() -> Iterator[Listener]:
    """A server that takes a connection and answers nothing."""
    listener = Listener(hang_up=False)
    yield listener
    listener.close()


@pytest.fixture
def rude() -> Iterator[Listener]:
    """A server that takes a connection and ends it."""
    listener = Listener(hang_up=True)
    yield listener
    listener.close()


@pytest.fixture(scope="session")
def closed_port() -> Iterator[int]:
    """A port that nobody listens on: bound, so that nobody else gets it meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
