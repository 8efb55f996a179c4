"""The real `dcs sandbox`, started as the pages describe it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAMS = TARGET / "debug"
LIBRARY = TARGET / "release"


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: its folder, and its settings as variables and as shell exports."""

    folder: Path
    settings: dict[str, str]
    exports: str


@contextmanager
def running(folder: Path) -> Iterator[Sandbox]:
    """Start a sandbox with its files in a folder, and stop it at the end."""
    env_file = folder / "sandbox.env"
    command = [str(PROGRAMS / "dcs"), "sandbox", "--quiet", "--retry-after", "1"]
    command += ["--dir", str(folder / "pki"), "--env-file", str(env_file)]
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not env_file.exists():
            assert program.poll() is None, "the sandbox exited"
            assert time.monotonic() < deadline, "the sandbox did not start"
            time.sleep(0.01)
        exports = env_file.read_text(encoding="utf-8")
        lines = (line.partition(" ")[2].partition("=") for line in exports.splitlines())
        settings = {name: value.strip("'") for name, _, value in lines}
        yield Sandbox(folder / "pki", settings, exports)
    finally:
        program.kill()
        program.wait()
