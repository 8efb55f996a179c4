"""The daemon in C of examples/daemon: what signals do to it, also where the server never answers."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import LIBRARY, ROOT

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("daemon") / "dcs-daemon"
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o", str(program)]
    command += [str(ROOT / "examples/daemon/daemon.c"), f"-I{ROOT}/include", f"-L{LIBRARY}", "-ldcs"]
    subprocess.run(command, check=True)
    return program


@pytest.fixture
def start(program: Path, environment: dict[str, str]) -> Iterator[Start]:
    """Starts daemons, and sees that none is left."""
    daemons: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **settings: str) -> subprocess.Popen[str]:
        daemon = subprocess.Popen(
            [str(program), *arguments], env={**environment, **settings}, stderr=subprocess.PIPE, text=True
        )
        daemons.append(daemon)
        return daemon

    yield run
    for daemon in daemons:
        with daemon:
            daemon.kill()


def read_until(daemon: subprocess.Popen[str], words: str) -> str:
    """Read what it tells up to a line with these words."""
    assert daemon.stderr is not None
    seen = []
    for line in daemon.stderr:
        seen.append(line)
        if words in line:
            return line
    pytest.fail(f"it has ended without {words!r}:\n{''.join(seen)}")


def test_it_asks_and_ends_when_it_is_told_to(start: Start) -> None:
    daemon = start()
    read_until(daemon, "the DCS is available")
    daemon.send_signal(signal.SIGTERM)
    read_until(daemon, "ends, as it was told to")
    assert daemon.wait(30) == 0


def test_it_reads_a_renewed_certificate(start: Start, folder: Path) -> None:
    files = {"DCS_CERTIFICATE": str(folder / "client.pem"), "DCS_PRIVATE_KEY": str(folder / "client.key")}
    daemon = start("1", **files)
    read_until(daemon, "the DCS is available")
    # A half-copied file first: the old certificate goes on.
    whole = folder / "whole.pem"
    shutil.move(folder / "client.pem", whole)
    (folder / "client.pem").write_text("-----BEGIN", encoding="utf-8")
    daemon.send_signal(signal.SIGHUP)
    assert "DCS_ERR_CERTIFICATE" in read_until(daemon, "the old certificate goes on")
    os.replace(whole, folder / "client.pem")
    daemon.send_signal(signal.SIGHUP)
    read_until(daemon, "certificate and key are read again")


def test_a_signal_ends_a_call(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        port = silent.getsockname()[1]
        # Far longer than this test would wait.
        limits = {"DCS_TIMEOUT_MS": "600000", "DCS_CONNECT_TIMEOUT_MS": "600000"}
        daemon = start(DCS_URL=f"https://localhost:{port}/checks/passport", **limits)
        connection, _ = silent.accept()
        with connection:
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(30) == 0


def test_what_it_cannot_use_is_told(start: Start) -> None:
    daemon = start(DCS_PRIVATE_KEY="/no/such.key")
    assert "/no/such.key" in read_until(daemon, "no client can be made")
    assert daemon.wait(30) == 1
