"""Contenders: their tables, their builds, and the protocol with a running one (README.md describes it)."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from figures import Run
from results import Entrant

SOURCES = Path(__file__).resolve().parent / "contenders"

# The default timeout of an answer.
ANSWER_TIMEOUT_S = 60
BUILD_TIMEOUT_S = 1800


class ContenderError(Exception):
    """A contender failed; the message quotes its last output."""


@dataclass(frozen=True)
class Folder:
    """A folder of contenders, and the folder for their builds."""

    source: Path
    out: Path

    @property
    def name(self) -> str:
        """Returns the folder's name."""
        return self.source.name

    def entrants(self) -> dict[Entrant, list[str]]:
        """Returns the entrants in contenders.json with their commands.

        Raises:
            ContenderError: contenders.json is missing or invalid.
        """
        file = self.source / "contenders.json"
        table = {}
        try:
            for row in json.loads(file.read_text(encoding="utf-8")):
                command = [
                    word.replace("{dir}", str(self.out)).replace("{source}", str(self.source))
                    for word in row["command"]
                ]
                for variant in row["variants"]:
                    table[Entrant(row["language"], row["name"], variant)] = command
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"contenders.json: {type(error).__name__}: {error}"
            raise ContenderError(message) from error
        return table

    def build(self, environment: dict[str, str]) -> None:
        """Runs build.sh, with its output in a file beside the build folder.

        Raises:
            ContenderError: build.sh failed.
        """
        script = self.source / "build.sh"
        log = self.out.with_suffix(".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log.open("wb") as output:
                done = subprocess.run(
                    [str(script)],
                    env={**os.environ, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=BUILD_TIMEOUT_S,
                    check=False,
                )
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"build.sh: {error}"
            raise ContenderError(message) from error
        if done.returncode != 0:
            message = f"build.sh: {last_line(log.read_bytes()) or f'status {done.returncode}'} (see {log})"
            raise ContenderError(message)


def folders(bench_dir: Path) -> list[Folder]:
    """Returns all folders of contenders."""
    sources = sorted(
        path for path in SOURCES.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))
    )
    return [Folder(source, bench_dir / source.name) for source in sources]


def last_line(output: bytes) -> str:
    """Returns the last line that is not empty."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")[:300]


class Process:
    """A contender that runs until the end of the `with` block."""

    def __init__(self, command: list[str]) -> None:
        """Starts the contender with its complete command line."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._timed_out = False
        try:
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
            )
        except OSError as error:
            self._errors.close()
            message = f"cannot start {command[0]}: {error.strerror}"
            raise ContenderError(message) from error

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Sends `quit`, and kills the contender if it does not exit."""
        try:
            self._child.communicate(b"quit\n", timeout=5)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self._child.kill()
            self._child.communicate()
        self._errors.close()

    def ask(self, command: str, limit_s: float = ANSWER_TIMEOUT_S) -> dict[str, Any]:
        """Sends a command and returns the answer.

        Raises:
            ContenderError: the answer is late, missing or not JSON.
        """
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        timer = threading.Timer(limit_s, self._time_out)
        timer.start()
        try:
            self._child.stdin.write(command.encode() + b"\n")
            self._child.stdin.flush()
            answer = self._child.stdout.readline()
        except OSError:
            answer = b""
        finally:
            timer.cancel()
        try:
            value = json.loads(answer)
            if not isinstance(value, dict):
                raise TypeError
        except (ValueError, TypeError):
            raise ContenderError(self._reason(command, answer, limit_s)) from None
        return value

    def run(self, calls: int, threads: int, limit_s: float = ANSWER_TIMEOUT_S) -> Run:
        """Makes calls and returns their figures.

        Raises:
            ContenderError: as for `ask`, or the answer lacks figures.
        """
        command = f"run {calls} {threads}"
        answer = self.ask(command, limit_s)
        try:
            run = Run(answer["latencies_ns"], int(answer["wall_ns"]), int(answer["cpu_ns"]))
        except (KeyError, TypeError, ValueError):
            message = f"the answer to '{command}' lacks a figure"
            raise ContenderError(message) from None
        if len(run.latencies_ns) != calls:
            message = f"the answer to '{command}' has {len(run.latencies_ns)} latencies"
            raise ContenderError(message)
        return run

    def warm_up(self, threads: int, seconds: float) -> float:
        """Makes calls for about so many seconds and returns the calls per second of the last run."""
        ends = time.monotonic() + seconds
        run = self.run(2 * threads, threads)
        while True:
            rate = len(run.latencies_ns) * 1e9 / max(1, run.wall_ns)
            remaining = ends - time.monotonic()
            if remaining <= 0:
                return rate
            run = self.run(max(2 * threads, int(rate * min(remaining, 0.25))), threads)

    def peak_memory_kib(self) -> int | None:
        """Returns the peak resident memory, or None if the system does not report it."""
        try:
            status = Path(f"/proc/{self._child.pid}/status").read_text(encoding="ascii")
        except OSError:
            return None
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
        return None

    def _time_out(self) -> None:
        self._timed_out = True
        self._child.kill()

    def _reason(self, command: str, answer: bytes, limit_s: float) -> str:
        if self._timed_out:
            return f"no answer to '{command}' within {limit_s:.0f} s"
        if answer.strip():
            return f"the answer to '{command}' is not JSON: {last_line(answer)}"
        # Without an answer, the contender has ended or closed its output.
        try:
            self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._child.kill()
        self._errors.seek(0)
        return last_line(self._errors.read()) or f"ended at '{command}' without a message"
