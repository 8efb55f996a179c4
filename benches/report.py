"""The report of a race: the tables, and the charts for the documentation."""

from __future__ import annotations

from pathlib import Path

from charts import Bar, chart
from results import TRAFFICS, Entrant, Results, ours_for
from targets import Verdict


def _table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [cell.rjust(width) for cell, width in zip(row, widths)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
    return "\n".join(lines)


def _ratio(value: float, to: float | None) -> str:
    return "" if not to else f"{value / to:.2f}"


def _against(entrant: Entrant, values: dict[Entrant, float]) -> tuple[float | None, float | None]:
    """Returns the floor's figure, and this library's unless the entrant is one of the two."""
    floor = next((value for other, value in values.items() if other.is_floor), None)
    ours = None if entrant.is_ours or entrant.is_floor else ours_for(entrant.language, values)
    return floor, None if ours is None else values[ours]


def _heats(results: Results, traffic: str, threads: int) -> str:
    heats = results.of(traffic, threads)
    values = {heat.entrant: heat.summary.median_ns for heat in heats}
    rows = []
    for heat in heats:
        summary = heat.summary
        floor, ours = _against(heat.entrant, values)
        rows.append(
            [
                heat.entrant.label,
                f"{summary.median_ns / 1e6:.3f}",
                f"{summary.p99_ns / 1e6:.3f}",
                f"{summary.calls_per_s:.0f}",
                f"{summary.calls_per_cpu_s:.0f}",
                f"{heat.peak_memory_kib / 1024:.0f}" if heat.peak_memory_kib else "",
                _ratio(summary.median_ns, floor),
                "" if ours is None else _ratio(ours, summary.median_ns),
            ]
        )
    head = ["", "median ms", "p99 ms", "calls/s", "calls/CPU s", "peak MiB", "of floor", "libdcs is"]
    title = f"{TRAFFICS.get(traffic, traffic)}, {threads} thread{'s' if threads > 1 else ''}"
    return f"{title}\n\n{_table(head, rows)}"


def _plain(title: str, unit: str, values: dict[Entrant, float], digits: int) -> str:
    rows = []
    for entrant, value in sorted(values.items(), key=lambda item: item[1]):
        floor, ours = _against(entrant, values)
        libdcs = "" if ours is None else _ratio(ours, value)
        rows.append([entrant.label, f"{value:.{digits}f}", _ratio(value, floor), libdcs])
    return f"{title}\n\n{_table(['', unit, 'of floor', 'libdcs is'], rows)}"


def tables(results: Results) -> str:
    """Returns all tables. "libdcs is" is this library's figure in the same language, divided by the row's."""
    parts = []
    for traffic, threads in dict.fromkeys((heat.traffic, heat.threads) for heat in results.heats):
        parts.append(_heats(results, traffic, threads))
    if results.first_calls_ns:
        first = {entrant: ns / 1e6 for entrant, ns in results.values("first_call_ns", "", 1)}
        parts.append(_plain("First call of a new process, start and end included", "median ms", first, 1))
    for traffic in dict.fromkeys(traffic for traffic, _ in results.system_calls):
        counts = dict(results.values("system_calls", traffic, 1))
        title = f"System calls of a warm call, {TRAFFICS.get(traffic, traffic)}"
        parts.append(_plain(title, "calls", counts, 1))
    return "\n\n\n".join(parts)


def verdicts(judged: list[Verdict]) -> str:
    """Returns the table of the targets."""
    answers = {True: "yes", False: "NO", None: "not measured"}
    rows = [
        [
            verdict.target.text,
            f"{'>=' if verdict.target.at_least else '<='} {verdict.target.limit:.2f}",
            "" if verdict.value is None else f"{verdict.value:.2f}",
            answers[verdict.is_met],
        ]
        for verdict in judged
    ]
    return f"Targets\n\n{_table(['', 'limit', 'measured', 'met'], rows)}"


def _bars(values: dict[Entrant, float]) -> list[Bar]:
    return [
        Bar(
            entrant.label,
            value,
            "floor" if entrant.is_floor else "ours" if entrant.is_ours else "peer",
            is_default=entrant.variant == "default" and not (entrant.is_floor or entrant.is_ours),
        )
        for entrant, value in sorted(values.items(), key=lambda item: item[1])
    ]


def write_charts(results: Results, machine: dict[str, object], directory: Path) -> list[Path]:
    """Writes the charts of the measured figures."""
    on = f"{machine['cpu']}, {machine['cores']} cores. Shorter is better; pale bars use the defaults."
    wanted = {
        "dcs-traffic": ("A call on the DCS's traffic (TLS 1.2, close)", "median_ns", "tls12_close"),
        "keep-alive": ("A call on a connection that is kept alive (TLS 1.2)", "median_ns", "tls12_keepalive"),
        "first-call": ("The first call of a new process, start and end included", "first_call_ns", ""),
    }
    written = []
    for name, (title, metric, traffic) in wanted.items():
        values = {entrant: ns / 1e6 for entrant, ns in results.values(metric, traffic, 1)}
        if values:
            directory.mkdir(parents=True, exist_ok=True)
            file = directory / f"{name}.svg"
            file.write_text(chart(title, on, "median, ms", _bars(values)), encoding="utf-8")
            written.append(file)
    return written
