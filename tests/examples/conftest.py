"""Starts the examples as their pages say, against the sandbox."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "docs"))
from sandbox import ROOT, Sandbox, running

PROGRAMS = Path(sys.executable).parent


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One for all."""
    with running(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


class Server:
    """An example that serves HTTP on a port of its own."""

    def __init__(
        self, command: list[str], folder: Path, settings: dict[str, str], log: Path, live: str
    ) -> None:
        self.url = f"http://127.0.0.1:{re.split('[:=]', command[-1])[-1]}"
        self.log_path = log
        with log.open("w", encoding="utf-8") as output:
            self._program = subprocess.Popen(
                [str(PROGRAMS / command[0]), *command[1:]],
                cwd=folder,
                env={"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", **settings},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                self.get(live)
                break
            except (ConnectionError, urllib.error.URLError):
                assert self._program.poll() is None, f"it has ended:\n{self.log()}"
                assert time.monotonic() < deadline, f"it does not answer:\n{self.log()}"
                time.sleep(0.05)

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8")

    def get(self, path: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of an answer."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=60) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, dict(answer.headers), answer.read().decode()

    def json(self, path: str) -> tuple[int, Any]:
        status, _, body = self.get(path)
        return status, json.loads(body)

    @property
    def pid(self) -> int:
        return self._program.pid

    def stop(self, timeout: float = 60) -> int:
        """End it as a supervisor does."""
        self._program.terminate()
        return self._program.wait(timeout)

    def kill(self) -> None:
        with self._program:
            self._program.kill()


class Servers:
    """Starts servers, and sees that none is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[Server] = []

    def __call__(self, example: str, *command: str, live: str = "/live", **settings: str) -> Server:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        log = self.folder / f"{len(self.running)}.log"
        last = f"{command[-1]}{port}"
        server = Server([*command[:-1], last], ROOT / "examples" / example, settings, log, live)
        self.running.append(server)
        return server


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Servers]:
    """Start an example; the port is appended to the last argument."""
    servers = Servers(tmp_path)
    yield servers
    for server in servers.running:
        server.kill()


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        yield listener
