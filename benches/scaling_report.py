"""The charts of a scaling measurement, and the text that says what limits it."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TRAFFIC = {"tls12_close": "DCS traffic (TLS 1.2, resumed)", "tls12_keepalive": "kept connections"}
PROGRAMS = {"libdcs": "libdcs", "floor": "the floor"}
# The threads of the series with several clients.
CLIENT_THREADS = 64

# The figures for one number of threads and clients, as they are written to scaling.json.
Point = dict[str, Any]


def report(out: Path) -> None:
    """Writes the charts and the text from scaling.json."""
    result = json.loads((out / "scaling.json").read_text())
    points = result["points"]
    rate, median, p99 = "calls_per_second", "median_ms", "p99_ms"
    charts = {
        "scaling-threads.svg": (
            "Calls per second by threads, one client",
            "threads",
            "threads",
            [(rate, "")],
        ),
        "scaling-latency.svg": (
            "Milliseconds per call by threads, one client: median, and dashed the 99th percentile",
            "threads",
            "threads",
            [(median, ""), (p99, "4 3")],
        ),
        "scaling-clients.svg": (
            f"Calls per second by clients, {CLIENT_THREADS} threads",
            "clients",
            "clients",
            [(rate, "")],
        ),
    }
    for name, (title, series, x, values) in charts.items():
        chosen = [point for point in points if point["series"] == series]
        (out / name).write_text(chart(title, chosen, x, values))
    text = limits(result)
    (out / "scaling.txt").write_text(text)
    print(text)


def limits(result: Any) -> str:
    """Returns the text: what limits each series, and how close the library is to the floor."""
    lines = [f"Limits on this machine with {result['processors']} processors:"]
    points = [point for point in result["points"] if point["series"] == "threads"]
    for added in sorted({point["added_ms"] for point in points}):
        for traffic, title in TRAFFIC.items():
            chosen = {
                name: [
                    point
                    for point in points
                    if (point["added_ms"], point["traffic"], point["program"]) == (added, traffic, name)
                ]
                for name in PROGRAMS
            }
            seen = chosen["libdcs"][0]["round_trip_ms"]
            lines.append(f"\n{title}, {added} ms added (a TCP handshake takes {seen:.1f} ms):")
            for name, series in chosen.items():
                lines.append(f"  {PROGRAMS[name]}: {limit_of(series)}")
            pairs = zip(chosen["libdcs"], chosen["floor"], strict=True)
            ratios = [mine["calls_per_second"] / floor["calls_per_second"] for mine, floor in pairs]
            lines.append(
                f"  libdcs makes {min(ratios):.0%} to {max(ratios):.0%} of the floor's calls per second."
            )
    if result["not_added"]:
        lines.append(f"\nNo round-trip time was added: {result['not_added']}.")
    return "\n".join(lines) + "\n"


def limit_of(series: list[Point]) -> str:
    """Returns the highest rate of a series, and what limits it: the network or the processors."""
    best = max(series, key=lambda point: point["calls_per_second"])
    alone = series[0]["calls_per_second"] / series[0]["threads"]
    # The points at which each thread makes at least 80 % of the calls of a single thread.
    linear = [
        point["threads"] for point in series if point["calls_per_second"] >= 0.8 * alone * point["threads"]
    ]
    text = (
        f"at most {best['calls_per_second']:.0f} calls per second, with {best['threads']} threads;"
        f" linear up to {max(linear)} threads;"
        f" {best['cpu_us_per_call']:.0f} us of CPU time per call in the process"
    )
    if best["processors_of_nginx"] >= 0.85:
        return text + f". The limit is nginx's one worker, {best['processors_of_nginx']:.0%} busy."
    if best["machine_busy"] >= 0.85:
        busy = f"{best['machine_busy']:.0%}"
        return text + f". The limit is the processors, {busy} busy with client, nginx and delay."
    if best["threads"] in linear:
        return text + ". The limit is the network: more threads would make more calls."
    return text + (
        f". No single limit: the processors are {best['machine_busy']:.0%} busy, nginx's one worker"
        f" {best['processors_of_nginx']:.0%}, and a call takes {best['median_ms']:.1f} ms"
        f" instead of {series[0]['median_ms']:.1f}."
    )


# Charts

WIDTH, HEIGHT, MARGIN = 300, 220, 58
COLOURS = {"libdcs": "#0b6e99", "floor": "#8a8a8a"}


def chart(title: str, points: list[Point], x: str, values: list[tuple[str, str]]) -> str:
    """Returns an SVG with logarithmic axes: a row for each traffic, a column for each added delay."""
    delays = sorted({point["added_ms"] for point in points})
    wide, high = len(delays) * (WIDTH + MARGIN) + 24, len(TRAFFIC) * (HEIGHT + MARGIN) + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}"'
        ' font-family="sans-serif" font-size="11" fill="#222">',
        f'<rect width="{wide}" height="{high}" fill="#fff"/>',
        f'<text x="16" y="22" font-size="15">{html.escape(title)}</text>',
    ]
    for index, name in enumerate(PROGRAMS):
        left = 16 + index * 110
        parts.append(f'<path d="M{left} 38h22" stroke="{COLOURS[name]}" stroke-width="2"/>')
        parts.append(f'<text x="{left + 28}" y="42">{PROGRAMS[name]}</text>')
    for row, traffic in enumerate(TRAFFIC):
        for column, added in enumerate(delays):
            chosen = [point for point in points if (point["traffic"], point["added_ms"]) == (traffic, added)]
            left, top = MARGIN + column * (WIDTH + MARGIN), 72 + row * (HEIGHT + MARGIN)
            parts.append(f'<g transform="translate({left},{top})">')
            parts.append(f'<text y="-8">{html.escape(TRAFFIC[traffic])}, {added} ms added</text>')
            parts.extend(panel(chosen, x, values))
            parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def panel(points: list[Point], x: str, values: list[tuple[str, str]]) -> Iterator[str]:
    """Yields the elements of one panel: its grid, and a line for each program and value."""
    columns = sorted({point[x] for point in points})
    numbers = [point[value] for point in points for value, _ in values]
    # Ticks at 1, 2 and 5 of each decade around the values.
    ticks = [digit * 10**power for power in range(-3, 8) for digit in (1, 2, 5)]
    low = max((tick for tick in ticks if tick <= min(numbers)), default=ticks[0])
    high = min((tick for tick in ticks if tick >= max(numbers)), default=ticks[-1])
    high = high if high > low else low * 10
    first, last = math.log2(columns[0]), max(math.log2(columns[-1]), math.log2(columns[0]) + 1)

    def place(point: Point, value: str) -> str:
        across = (math.log2(point[x]) - first) / (last - first) * WIDTH
        up = math.log(point[value] / low) / math.log(high / low) * HEIGHT
        return f"{across:.1f},{HEIGHT - up:.1f}"

    for tick in ticks:
        if low <= tick <= high:
            y = HEIGHT - math.log(tick / low) / math.log(high / low) * HEIGHT
            yield f'<path d="M0 {y:.1f}h{WIDTH}" stroke="#e4e4e4"/>'
            yield f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{tick:,g}</text>'
    for column in columns:
        across = (math.log2(column) - first) / (last - first) * WIDTH
        yield f'<text x="{across:.1f}" y="{HEIGHT + 15}" text-anchor="middle">{column}</text>'
    for name in PROGRAMS:
        line = sorted((point for point in points if point["program"] == name), key=lambda point: point[x])
        for value, dashes in values:
            places = " ".join(place(point, value) for point in line)
            style = f' stroke-dasharray="{dashes}"' if dashes else ""
            stroke = f'stroke="{COLOURS[name]}" stroke-width="2"{style}'
            yield f'<polyline points="{places}" fill="none" {stroke}/>'
