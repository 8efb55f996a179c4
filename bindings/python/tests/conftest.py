"""The servers of the tests: the testbed that DCS_TESTBED describes, and sockets without TLS."""

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

# No wait takes as long on a busy machine; only a failing test does.
LIMIT = 300.0
# For calls: only their end ends them, or the test.
PATIENT = {"timeout": 600.0, "connect_timeout": 600.0}


def not_on_pypy(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(sys.implementation.name == "pypy", reason=reason)


class Testbed:
    """The files and URLs of the testbed, and clients for it."""

    __test__ = False

    def __init__(self, description: dict[str, dict[str, str]]) -> None:
        self.files = description["files"]
        self.urls = description["urls"]
        self.logs = description["logs"]

    def url(self, listener: str, path: str = "/checks/passport") -> str:
        return self.urls[listener] + path

    def options(self, url: str, /, **changes: Any) -> dict[str, Any]:
        """Return the arguments of a Client for `url`, with some of them changed."""
        options: dict[str, Any] = {
            "url": url,
            "ca_bundle": self.files["ca_bundle"],
            "certificate": self.files["client_cert"],
            "private_key": self.files["client_key"],
            **PATIENT,
        }
        return {**options, **changes}

    def client(self, listener: str, path: str = "/checks/passport", /, **changes: Any) -> libdcs.Client:
        return libdcs.Client(**self.options(self.url(listener, path), **changes))

    def error(self, listener: str, path: str = "/checks/passport", /, **changes: Any) -> libdcs.DcsError:
        """Make a call that must fail; return its error."""
        with self.client(listener, path, **changes) as client, pytest.raises(libdcs.DcsError) as info:
            client.status()
        return info.value

    def requests(self, case: str, expected: int) -> int:
        """Count the requests with this in their path; nginx may write its log a moment late."""
        log = Path(self.logs["nginx_access"])
        deadline = time.monotonic() + LIMIT
        while (count := log.read_text(encoding="utf-8").count(case)) < expected:
            assert time.monotonic() < deadline, f"only {count} requests are in the log"
        return count


class Listener:
    """A server on 127.0.0.1 that accepts connections and never speaks TLS."""

    def __init__(self, *, closes: bool) -> None:
        self.connected = threading.Event()
        self._accepted = threading.Semaphore(0)
        self._closes = closes
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
            self._accepted.release()
            if self._closes:
                self.drop()

    def wait_for_connection(self, timeout: float = LIMIT) -> bool:
        """Wait for the next connection that no earlier call has returned."""
        return self._accepted.acquire(timeout=timeout)

    def clients_have_closed(self) -> bool:
        """Return whether the clients have closed all connections."""
        for connection in self._connections:
            connection.settimeout(LIMIT)
            try:
                while connection.recv(65536):
                    pass
            except socket.timeout:  # TimeoutError only from Python 3.10
                return False
        return True

    def drop(self) -> None:
        """Close the connections."""
        while self._connections:
            self._connections.pop().close()

    def drop_all(self) -> None:
        """Close the connections, and from now on each new one."""
        self._closes = True
        self.drop()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(LIMIT)
        self.drop()


class Program:
    """A process that runs Python code, which finds its arguments in `given`."""

    PRELUDE = """
import json, os, signal, sys, threading, time, warnings
import libdcs

warnings.simplefilter("ignore", DeprecationWarning)  # From Python 3.12 on, fork() with threads warns.

given = json.loads(sys.argv[1])
# A shell ignores Ctrl-C for what it runs in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)

def client(url, **more):
    return libdcs.Client(url=url, **given["options"], **more)
"""

    def __init__(self, testbed: Testbed, code: str, /, **given: object) -> None:
        options = testbed.options("")
        del options["url"]
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-c", self.PRELUDE + code, json.dumps({"options": options, **given})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._watchdog = threading.Timer(LIMIT, self._process.kill)
        self._watchdog.start()

    def read_line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def write_line(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self) -> list[str]:
        """Wait for its exit, which must be a success; return the lines that were not read yet."""
        output, errors = self._process.communicate()
        assert (self._process.returncode, errors) == (0, "")
        return output.splitlines()

    def kill(self) -> None:
        self._watchdog.cancel()
        with self._process:
            self._process.kill()


@pytest.fixture
def run(testbed: Testbed) -> Iterator[Callable[..., Program]]:
    """Starts programs, and kills those that are left."""
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
    """A server that accepts connections and sends nothing."""
    listener = Listener(closes=False)
    yield listener
    listener.close()


@pytest.fixture
def closing() -> Iterator[Listener]:
    """A server that accepts connections and closes them."""
    listener = Listener(closes=True)
    yield listener
    listener.close()


class Relay:
    """A TCP relay to a listener of the testbed. It passes nothing on until it is opened."""

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
        self.opened.wait(LIMIT)
        with client, socket.create_connection(self._target) as server:
            back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
            back.start()
            self._pump(client, server)
            back.join(LIMIT)

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
    """A server that does not respond before its relay is opened."""
    relay = Relay(testbed.urls["tls12_close"])
    yield relay
    relay.close()


@pytest.fixture(scope="session")
def closed_port() -> Iterator[int]:
    """A port without a listener, bound so that no other process can take it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
