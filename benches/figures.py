"""Figures from measurements: quantiles, rates, what strace counted."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999)


@dataclass(frozen=True)
class Run:
    """One run of a contender: what it answered to the command."""

    latencies_ns: Sequence[int]
    wall_ns: int
    cpu_ns: int


@dataclass(frozen=True)
class Summary:
    """All rounds of a contender together."""

    calls: int
    median_ns: float
    p99_ns: float
    calls_per_s: float
    calls_per_cpu_s: float
    quantiles_ns: dict[str, float]


def quantile(ordered: Sequence[float], q: float) -> float:
    """The q-th quantile of values in ascending order, between two of them where it falls there."""
    if not ordered:
        message = "no values"
        raise ValueError(message)
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = math.ceil(place)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def median(values: Sequence[float]) -> float:
    """The median."""
    return quantile(sorted(values), 0.5)


def summarise(runs: Sequence[Run]) -> Summary:
    """The figures over all rounds: every call counts the same, whichever round it was in."""
    latencies = sorted(latency for run in runs for latency in run.latencies_ns)
    calls = len(latencies)
    # A clock that counts in ticks of 10 ms may show none for a short run.
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
    """What `strace -c` counted: system call to number of times."""
    counts = {}
    for line in text.splitlines():
        match = _STRACE_LINE.fullmatch(line)
        if match and match[2] != "total":
            counts[match[2]] = int(match[1])
    return counts


def per_call(short: dict[str, int], long: dict[str, int], calls: int) -> dict[str, float]:
    """The system calls of one call, from two runs of which the longer made so many calls more.

    Starting, ending and reading commands are in both and cancel out. What comes to less than one in a hundred
    calls is the output's or the memory's, and not the call's.
    """
    each = {name: (count - short.get(name, 0)) / calls for name, count in long.items()}
    return {name: count for name, count in sorted(each.items()) if count >= 0.01}
