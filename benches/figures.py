"""Figures from measurements: quantiles, rates, system calls."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999)


@dataclass(frozen=True)
class Run:
    """One run of a contender: its answer to the command `run`."""

    latencies_ns: Sequence[int]
    wall_ns: int
    cpu_ns: int


@dataclass(frozen=True)
class Summary:
    """The figures of all rounds of a contender."""

    calls: int
    median_ns: float
    p99_ns: float
    calls_per_s: float
    calls_per_cpu_s: float
    quantiles_ns: dict[str, float]


def quantile(ordered: Sequence[float], q: float) -> float:
    """Returns the q-th quantile of values in ascending order, interpolated between neighbours."""
    if not ordered:
        message = "no values"
        raise ValueError(message)
    position = q * (len(ordered) - 1)
    below = math.floor(position)
    above = math.ceil(position)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def median(values: Sequence[float]) -> float:
    """Returns the median."""
    return quantile(sorted(values), 0.5)


def summarise(runs: Sequence[Run]) -> Summary:
    """Returns the figures over all rounds; every call has the same weight."""
    latencies = sorted(latency for run in runs for latency in run.latencies_ns)
    calls = len(latencies)
    # A clock with ticks of 10 ms may show no CPU time for a short run.
    cpu = max(1, sum(run.cpu_ns for run in runs))
    wall = max(1, sum(run.wall_ns for run in runs))
    return Summary(
        calls=calls,
        median_ns=quantile(latencies, 0.5),
        p99_ns=quantile(latencies, 0.99),
        calls_per_s=calls * 1e9 / wall,
        calls_per_cpu_s=calls * 1e9 / cpu,
        quantiles_ns={f"{q:g}": quantile(latencies, q) for q in QUANTILES},
    )


_STRACE_LINE = re.compile(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+(\w+)\s*")


def strace_counts(text: str) -> dict[str, int]:
    """Parses the table of `strace -c` into the count of each system call."""
    counts = {}
    for line in text.splitlines():
        match = _STRACE_LINE.fullmatch(line)
        if match and match[2] != "total":
            counts[match[2]] = int(match[1])
    return counts


def per_call(short: dict[str, int], long: dict[str, int], calls: int) -> dict[str, float]:
    """Returns the system calls of one call, from two runs that differ by so many calls.

    Start, end and commands are in both runs and cancel out. System calls below one in a hundred
    calls belong to output or memory, and are left out.
    """
    each = {name: (count - short.get(name, 0)) / calls for name, count in long.items()}
    return {name: count for name, count in sorted(each.items()) if count >= 0.01}
