"""The results of a race."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from figures import Run, Summary, median, summarise

# A title for each kind of traffic, by the testbed's name.
TRAFFICS = {
    "tls12_close": "DCS (TLS 1.2, a connection a call)",
    "tls13_close": "TLS 1.3, a connection a call",
    "tls12_keepalive": "keep-alive (TLS 1.2)",
}


@dataclass(frozen=True, order=True)
class Entrant:
    """A contender in one of its variants."""

    language: str
    name: str
    variant: str

    @property
    def label(self) -> str:
        """Returns the name in tables."""
        return f"{self.name} ({self.language}), {self.variant}"

    @property
    def plain_name(self) -> str:
        """Returns the name in lower case without punctuation."""
        return re.sub(r"[^a-z0-9]", "", self.name.lower())

    @property
    def is_floor(self) -> bool:
        """Returns whether it is the floor, with which all others are compared."""
        return self.plain_name == "floor"

    @property
    def is_ours(self) -> bool:
        """Returns whether it is this library."""
        return self.plain_name.startswith("libdcs")


@dataclass(frozen=True)
class Heat:
    """All rounds of an entrant on one traffic with one number of threads."""

    entrant: Entrant
    traffic: str
    threads: int
    summary: Summary
    rounds: list[dict[str, float]]
    peak_memory_kib: int | None


@dataclass
class Results:
    """The content of results.json."""

    heats: list[Heat] = field(default_factory=list)
    first_calls_ns: dict[Entrant, list[int]] = field(default_factory=dict)
    # By traffic and entrant: the count of each system call in one warm call.
    system_calls: dict[tuple[str, Entrant], dict[str, float]] = field(default_factory=dict)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def add(self, entrant: Entrant, traffic: str, threads: int, runs: list[Run], memory: int | None) -> None:
        """Adds an entrant's rounds."""
        rounds = [
            {
                "calls": len(run.latencies_ns),
                "median_ns": median(run.latencies_ns),
                "wall_ns": run.wall_ns,
                "cpu_ns": run.cpu_ns,
            }
            for run in runs
        ]
        self.heats.append(Heat(entrant, traffic, threads, summarise(runs), rounds, memory))

    def of(self, traffic: str, threads: int) -> list[Heat]:
        """Returns the heats on one traffic, the fastest first."""
        heats = [heat for heat in self.heats if (heat.traffic, heat.threads) == (traffic, threads)]
        return sorted(heats, key=lambda heat: heat.summary.median_ns)

    def values(self, metric: str, traffic: str, threads: int) -> Iterator[tuple[Entrant, float]]:
        """Yields a metric of every entrant that has it.

        `first_call_ns` ignores traffic and threads, `system_calls` ignores threads. Other metrics are fields
        of `Summary`.
        """
        if metric == "first_call_ns":
            for entrant, times in self.first_calls_ns.items():
                yield entrant, median(times)
        elif metric == "system_calls":
            for (of, entrant), counts in self.system_calls.items():
                if of == traffic:
                    yield entrant, sum(counts.values())
        else:
            for heat in self.of(traffic, threads):
                yield heat.entrant, getattr(heat.summary, metric)

    def to_json(self) -> dict[str, Any]:
        """Returns the results as JSON."""
        return {
            "heats": [asdict(heat) for heat in self.heats],
            "first_calls": [
                {"entrant": asdict(entrant), "median_ns": median(times), "wall_ns": times}
                for entrant, times in self.first_calls_ns.items()
            ],
            "system_calls": [
                {
                    "entrant": asdict(entrant),
                    "traffic": traffic,
                    "per_call": sum(counts.values()),
                    "by_name": counts,
                }
                for (traffic, entrant), counts in self.system_calls.items()
            ],
            "versions": self.versions,
            "skipped": self.skipped,
        }


def ours_for(language: str, entrants: Iterable[Entrant]) -> Entrant | None:
    """Returns this library's entrant in a language, or in C if there is no binding for that language."""
    ours = [entrant for entrant in entrants if entrant.is_ours]
    same = [entrant for entrant in ours if entrant.language == language]
    if not same and language not in ("C", "Java", "Python", "Rust"):
        same = [entrant for entrant in ours if entrant.language == "C"]
    # "best" sorts before "default".
    return min(same, default=None)
