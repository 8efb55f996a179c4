"""Contenders: the table, how they are built, and talking to one that runs (the protocol is in README.md)."""

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

# How long an answer may take beyond the time that the run is meant to.
PATIENCE_S = 60
BUILD_LIMIT_S = 1800


class ContenderError(Exception):
    """A contender that does not do as it is told; the message says what it said last."""


@dataclass(frozen=True)
class Place:
    """A directory of contenders and where it builds to."""

    source: Path
    out: Path

    @property
    def name(self) -> str:
        """The directory's name."""
        return self.source.name

    def table(self) -> dict[Entrant, list[str]]:
        """The entrants that contenders.json lists, with their commands.

        Raises:
            ContenderError: there is no table, or it is not what it should be.
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
        """Runs build.sh; what it prints goes to a file beside the directory.

        Raises:
            ContenderError: it failed.
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
                    timeout=BUILD_LIMIT_S,
                    check=False,
                )
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"build.sh: {error}"
            raise ContenderError(message) from error
        if done.returncode != 0:
            message = f"build.sh: {last_line(log.read_bytes()) or f'status {done.returncode}'} (see {log})"
            raise ContenderError(message)


def places(bench_dir: Path) -> list[Place]:
    """All directories of contenders."""
    sources = sorted(
        path for path in SOURCES.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))
    )
    return [Place(source, bench_dir / source.name) for source in sources]


def last_line(output: bytes) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")[:300]


class Process:
    """A contender that runs, until the `with` ends."""

    def __init__(self, command: list[str]) -> None:
        """Starts it; the command is complete, with its arguments."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._is_late = False
        try:
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
            )
        except OSError as error:
            self._errors.close()
            message = f"cannot be started: {error.strerror}: {command[0]}"
            raise ContenderError(message) from error

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tells it to quit, and ends it where it does not."""
        try:
            self._child.communicate(b"quit\n", timeout=5)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self._child.kill()
            self._child.communicate()
        self._errors.close()

    def ask(self, command: str, limit_s: float = PATIENCE_S) -> dict[str, Any]:
        """Gives a command and returns the answer.

        Raises:
            ContenderError: no answer came in time, or none that is JSON.
        """
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        timer = threading.Timer(limit_s, self._give_up)
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

    def run(self, calls: int, threads: int, limit_s: float = PATIENCE_S) -> Run:
        """Has it make calls.

        Raises:
            ContenderError: as for `ask`, or what came is not a run's figures.
        """
        command = f"run {calls} {threads}"
        answer = self.ask(command, limit_s)
        try:
            run = Run(answer["latencies_ns"], int(answer["wall_ns"]), int(answer["cpu_ns"]))
        except (KeyError, TypeError, ValueError):
            message = f"its answer to '{command}' lacks a figure"
            raise ContenderError(message) from None
        if len(run.latencies_ns) != calls:
            message = f"it answered '{command}' with {len(run.latencies_ns)} latencies"
            raise ContenderError(message)
        return run

    def warm_up(self, threads: int, seconds: float) -> float:
        """Has it make calls for about so long, and returns how many it then makes in a second."""
        ends = time.monotonic() + seconds
        run = self.run(2 * threads, threads)
        while True:
            rate = len(run.latencies_ns) * 1e9 / max(1, run.wall_ns)
            remaining = ends - time.monotonic()
            if remaining <= 0:
                return rate
            run = self.run(max(2 * threads, int(rate * min(remaining, 0.25))), threads)

    def peak_memory_kib(self) -> int | None:
        """The most memory that it has had resident; None where the system does not tell."""
        try:
            status = Path(f"/proc/{self._child.pid}/status").read_text(encoding="ascii")
        except OSError:
            return None
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
        return None

    def _give_up(self) -> None:
        self._is_late = True
        self._child.kill()

    def _reason(self, command: str, answer: bytes, limit_s: float) -> str:
        if self._is_late:
            return f"no answer to '{command}' within {limit_s:.0f} s"
        if answer.strip():
            return f"its answer to '{command}' is not JSON: {last_line(answer)}"
        # Without an answer it has ended, or has closed its output and is ended by the `with`.
        try:
            self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._child.kill()
        self._errors.seek(0)
        return last_line(self._errors.read()) or f"it ended at '{command}' and said nothing"
