"""Describes the machine of a measurement and the versions of the tools."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path

# Commands that print a version in their first line.
_TOOLS = {
    "nginx": ["nginx", "-v"],
    "openssl": ["openssl", "version"],
    "cc": ["cc", "--version"],
    "rustc": ["rustc", "--version"],
    "java": ["java", "--version"],
    "node": ["node", "--version"],
    "go": ["go", "version"],
    "strace": ["strace", "--version"],
}


def describe(root: Path) -> dict[str, object]:
    """Returns the machine and the installed tools."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": _first_line(["git", "-C", str(root), "describe", "--always", "--dirty"]),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": _field("/proc/meminfo", r"MemTotal:\s+(.+)"),
        "kernel": f"{platform.system()} {platform.release()}",
        "system": _field("/etc/os-release", r'PRETTY_NAME="?([^"\n]+)'),
        "versions": {
            "python": platform.python_version(),
            **{name: line for name, command in _TOOLS.items() if (line := _first_line(command))},
        },
    }


def _cpu() -> str:
    return _field("/proc/cpuinfo", r"model name\s*:\s*(.+)") or platform.processor() or platform.machine()


def _field(path: str, pattern: str) -> str | None:
    try:
        match = re.search(pattern, Path(path).read_text(encoding="utf-8"))
    except OSError:
        return None
    return match[1].strip() if match else None


def _first_line(command: list[str]) -> str | None:
    # Debian installs servers outside an ordinary user's PATH.
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else None
