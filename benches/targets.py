"""The targets of this library's figures, as ratios to the floor and to each peer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from results import Entrant, Results

Choice = Callable[[Entrant], bool]


@dataclass(frozen=True)
class Target:
    """A limit for this library's figure, or for its ratio to another's."""

    text: str
    metric: str
    traffic: str
    threads: int
    ours: Choice
    limit: float
    # None compares the figure itself with the limit.
    theirs: Choice | None = None
    at_least: bool = False


@dataclass(frozen=True)
class Verdict:
    """The result for a target; `value` is None if a figure is missing."""

    target: Target
    value: float | None

    @property
    def is_met(self) -> bool | None:
        """Returns whether the limit is met, or None without a value."""
        if self.value is None:
            return None
        return self.value >= self.target.limit if self.target.at_least else self.value <= self.target.limit

    def to_json(self) -> dict[str, Any]:
        """Returns the verdict as JSON."""
        return {
            "target": self.target.text,
            "limit": self.target.limit,
            "at_least": self.target.at_least,
            "value": self.value,
            "met": self.is_met,
        }


@dataclass(frozen=True)
class Peer:
    """An alternative client for the service."""

    name: str
    # The language in which this library is compared with it.
    ours: str
    # Patterns of its language and its plain name.
    language: str
    pattern: str

    def chosen(self, variant: str | None) -> Choice:
        """Returns a choice of this peer's entrants: in one variant, or in all."""

        def choice(entrant: Entrant) -> bool:
            return (
                re.fullmatch(self.language, entrant.language) is not None
                and re.fullmatch(self.pattern, entrant.plain_name) is not None
                and variant in (None, entrant.variant)
            )

        return choice


PEERS = (
    Peer("libcurl", "C", "C", "libcurl"),
    Peer("pycurl", "Python", "Python", "pycurl"),
    Peer("requests", "Python", "Python", "requests"),
    Peer("JDK HttpClient", "Java", "Java", "(jdk|java|javanethttp)?httpclient|jdk"),
    Peer("Apache HttpClient", "Java", "Java", "apache.*"),
    Peer("Go net/http", "C", "Go", ".*"),
    Peer("Node https", "C", "Node.*|JavaScript", ".*"),
)


def _ours(language: str) -> Choice:
    return lambda entrant: entrant.is_ours and entrant.language == language


def _floor(entrant: Entrant) -> bool:
    return entrant.is_floor


def _latency(traffic: str, against: str, ours: str, theirs: Choice, limit: float) -> Target:
    title = {"tls12_close": "DCS", "tls13_close": "TLS 1.3", "tls12_keepalive": "keep-alive"}[traffic]
    text = f"{title}: median from {ours}, of {against}"
    return Target(text, "median_ns", traffic, 1, _ours(ours), limit, theirs)


def all_targets() -> list[Target]:
    """Returns every target, in the order of the report."""
    c, libcurl = _ours("C"), PEERS[0].chosen(None)
    targets = [_latency("tls12_close", "the floor", "C", _floor, 1.10)]
    for peer in PEERS:
        targets += [
            _latency("tls12_close", f"{peer.name} at its best", peer.ours, peer.chosen(None), 0.9),
            _latency("tls12_close", f"{peer.name} at its defaults", peer.ours, peer.chosen("default"), 0.25),
        ]
    targets += [
        _latency("tls13_close", "the floor", "C", _floor, 1.15),
        _latency("tls12_keepalive", "the floor", "C", _floor, 1.25),
        _latency("tls12_keepalive", "libcurl at its best", "C", libcurl, 0.75),
        Target(
            "keep-alive, 16 threads: calls per CPU second from C, of libcurl with 16 handles",
            "calls_per_cpu_s",
            "tls12_keepalive",
            16,
            c,
            1.3,
            libcurl,
            at_least=True,
        ),
        Target("first call of a process, from C, of libcurl", "first_call_ns", "", 1, c, 0.4, libcurl),
        Target("keep-alive: system calls of a warm call from C", "system_calls", "tls12_keepalive", 1, c, 4),
    ]
    return targets


def judge(target: Target, results: Results) -> Verdict:
    """Compares a target with the results.

    If a choice has several entrants, the best of them counts.
    """
    values = list(results.values(target.metric, target.traffic, target.threads))
    best: Callable[[list[float]], float] = max if target.at_least else min
    ours = [value for entrant, value in values if target.ours(entrant)]
    if not ours:
        return Verdict(target, None)
    if target.theirs is None:
        return Verdict(target, best(ours))
    theirs = [value for entrant, value in values if target.theirs(entrant)]
    return Verdict(target, best(ours) / best(theirs) if theirs else None)
