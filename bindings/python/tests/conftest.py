"""The testbed: real nginx and Apache httpd, described by the JSON file that DCS_TESTBED names."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import libdcs

REPOSITORY = Path(__file__).resolve().parents[3]
NGINX = ("tls12_close", "tls12_keepalive", "tls13_close", "tls13_keepalive")
APACHE = ("apache_tls12", "apache_tls13")


def not_on_pypy(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(sys.implementation.name == "pypy", reason=reason)


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

    def served(self, case: str, expected: int) -> int:
        """Return how many requests with this in their path are in nginx's log, which may be a moment late."""
        log = Path(self.logs["nginx_access"])
        deadline = time.monotonic() + 10
        while (count := log.read_text(encoding="utf-8").count(case)) < expected:
            assert time.monotonic() < deadline, f"only {count} requests are in the log"
        return count


class Listener:
    """A port on 127.0.0.1 that takes connections and never speaks TLS."""

    def __init__(self, *, hang_up: bool) -> None:
        self.connected = threading.Event()
        self._taken = threading.Semaphore(0)
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
            self._taken.release()
            if self._hang_up:
                self.drop()

    def wait_for_one_more(self, timeout: float = 30) -> bool:
        """Wait for a connection that was not waited for yet."""
        return self._taken.acquire(timeout=timeout)

    def has_seen_the_ends(self) -> bool:
        """Whether the other side has ended each connection taken so far."""
        for connection in self._connections:
            connection.settimeout(5)
            try:
                while connection.recv(65536):
                    pass
            except socket.timeout:  # TimeoutError only from Python 3.10
                return False
        return True

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


class Program:
    """Python code in a process of its own, which is told what it needs as `given`."""

    BEGIN = """
import json, os, signal, sys, threading, time, warnings
import libdcs

warnings.simplefilter("ignore", DeprecationWarning)  # Of forking with threads, from Python 3.12 on.

given = json.loads(sys.argv[1])
# A shell may have started all this in the background, where Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

def client(url, **more):
    return libdcs.Client(url=url, **given["options"], **more)
"""

    def __init__(self, testbed: Testbed, code: str, /, **given: object) -> None:
        options = testbed.options("")
        del options["url"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.BEGIN + code, json.dumps({"options": options, **given})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.pid = self._process.pid

    def read_line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, timeout: float = 120) -> list[str]:
        """Wait for its end, which must be a good one; return the lines that were not read yet."""
        output, errors = self._process.communicate(timeout=timeout)
        assert (self._process.returncode, errors) == (0, "")
        return output.splitlines()

    def kill(self) -> None:
        with self._process:
            self._process.kill()


@pytest.fixture
def run(testbed: Testbed) -> Iterator[Callable[..., Program]]:
    """Starts programs, and sees that none is left."""
    programs: list[Program] = []

    def start(code: str, /, **given: object) -> Program:
        programs.append(Program(testbed, code, **given))
        return programs[-1]

    yield start
    for program in programs:
        program.kill()


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


class Relay:
    """A port on localhost in front of a listener of the testbed; it passes nothing on until it is opened."""

    def __init__(self, target: str) -> None:
        host, _, port = target.partition("://")[2].rpartition(":")
        self._target = host, int(port)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._socket.getsockname()[1]}/checks/passport"
        self.connected = threading.Event()
        self.opened = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # close() was called
            while True:
                client, _ = self._socket.accept()
                self.connected.set()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self.opened.wait(60)
        with client, socket.create_connection(self._target) as server:
            back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
            back.start()
            self._pump(client, server)
            back.join(60)

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.opened.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def relay(testbed: Testbed) -> Iterator[Relay]:
    """A server that answers, but not before its relay is opened."""
    relay = Relay(testbed.urls["tls12_close"])
    yield relay
    relay.close()


@pytest.fixture(scope="session")
def closed_port() -> Iterator[int]:
    """A port that nobody listens on: bound, so that nobody else gets it meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
