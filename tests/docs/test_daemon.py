"""The daemon in C of examples/daemon: its reaction to signals, also if the server never answers."""

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
    """Return a function that starts daemons, and kill them at the end."""
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


def read_until(daemon: subprocess.Popen[str], text: str) -> str:
    """Read the daemon's messages up to the line that contains this text, and return that line."""
    assert daemon.stderr is not None
    seen = []
    for line in daemon.stderr:
        seen.append(line)
        if text in line:
            return line
    pytest.fail(f"the daemon exited without {text!r}:\n{''.join(seen)}")


def test_exits_on_sigterm(start: Start) -> None:
    daemon = start()
    read_until(daemon, "the DCS is available")
    daemon.send_signal(signal.SIGTERM)
    read_until(daemon, "stopped by a signal")
    assert daemon.wait(30) == 0


def test_reloads_the_certificate_on_sighup(start: Start, folder: Path) -> None:
    files = {"DCS_CERTIFICATE": str(folder / "client.pem"), "DCS_PRIVATE_KEY": str(folder / "client.key")}
    daemon = start("1", **files)
    read_until(daemon, "the DCS is available")
    # First a file that is only half copied: the daemon keeps the old certificate.
    whole = folder / "whole.pem"
    shutil.move(folder / "client.pem", whole)
    (folder / "client.pem").write_text("-----BEGIN", encoding="utf-8")
    daemon.send_signal(signal.SIGHUP)
    assert "DCS_ERR_CERTIFICATE" in read_until(daemon, "the previous certificate stays in use")
    os.replace(whole, folder / "client.pem")
    daemon.send_signal(signal.SIGHUP)
    read_until(daemon, "certificate and key are reloaded")


def test_sigterm_cancels_a_call_in_flight(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        port = silent.getsockname()[1]
        # Much longer than this test waits.
        timeouts = {"DCS_TIMEOUT_MS": "600000", "DCS_CONNECT_TIMEOUT_MS": "600000"}
        daemon = start(DCS_URL=f"https://localhost:{port}/checks/passport", **timeouts)
        connection, _ = silent.accept()
        with connection:
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(30) == 0


def test_reports_an_invalid_file(start: Start) -> None:
    daemon = start(DCS_PRIVATE_KEY="/no/such.key")
    assert "/no/such.key" in read_until(daemon, "cannot create the client")
    assert daemon.wait(30) == 1
