"""Bar charts as SVG, readable on a light and on a dark background."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 860
LABELS = 300
VALUES = 90
ROW = 24
BAR = 15
TOP = 66
BOTTOM = 40

# Above this ratio of the longest bar to the shortest, a linear scale would hide the shortest.
MAX_LINEAR_RATIO = 12

_STYLE = """
    .ground { fill: #ffffff } .text { fill: #1f2328 } .faint { fill: #59636e } .grid { stroke: #d1d9e0 }
    .ours { fill: #0969da } .floor { fill: #59636e } .peer { fill: #d4a72c } .defaults { fill-opacity: 0.5 }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117 } .text { fill: #f0f6fc } .faint { fill: #9198a1 } .grid { stroke: #3d444d }
      .ours { fill: #4493f8 } .floor { fill: #9198a1 } .peer { fill: #bb8009 }
    }
    text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif }
    .title { font-size: 17px; font-weight: 600 }
"""


@dataclass(frozen=True)
class Bar:
    """One bar: `kind` is "ours", "floor" or "peer"; `is_default` shades it."""

    label: str
    value: float
    kind: str
    is_default: bool = False


@dataclass(frozen=True)
class Scale:
    """Maps a value to a position between 0 and 1."""

    low: float
    high: float
    is_log: bool

    def position(self, value: float) -> float:
        """Returns the position of a value."""
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Returns the values that have a grid line."""
        if not self.is_log:
            step = _step(self.high)
            return [step * i for i in range(math.floor(self.high / step + 1e-9) + 1)]
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        steps = [m * 10.0**e for e in range(first, last + 1) for m in (1, 2, 5)]
        return [step for step in steps if self.low * 0.999 <= step <= self.high * 1.001]


def scale_for(values: Sequence[float]) -> Scale:
    """Returns a linear scale from 0, or a logarithmic one if a linear one would hide short bars."""
    low, high = min(values), max(values)
    if high / low <= MAX_LINEAR_RATIO:
        return Scale(0, high * 1.02, is_log=False)
    # A logarithmic scale has no zero; starting lower gives the shortest bar some length.
    return Scale(low / 1.6, high * 1.1, is_log=True)


def number(value: float) -> str:
    """Formats a value with three digits and no exponent."""
    if value >= 100:
        return f"{value:.0f}"
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:.{digits}f}"


def chart(title: str, subtitle: str, unit: str, bars: Sequence[Bar]) -> str:
    """Returns the chart, with the bars in the given order. All values must be above zero."""
    scale = scale_for([bar.value for bar in bars])
    span = WIDTH - LABELS - VALUES
    foot = TOP + ROW * len(bars)
    height = foot + BOTTOM
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="{escape(title)}">',
        f"  <style>{_STYLE}  </style>",
        f'  <rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>',
        f'  <text class="text title" x="16" y="28">{escape(title)}</text>',
        f'  <text class="faint" x="16" y="48">{escape(subtitle)}</text>',
    ]
    for tick in scale.ticks():
        x = LABELS + span * scale.position(tick)
        lines += [
            f'  <line class="grid" x1="{x:.1f}" y1="{TOP - 4}" x2="{x:.1f}" y2="{foot}"/>',
            f'  <text class="faint" x="{x:.1f}" y="{foot + 16}" text-anchor="middle">{tick:g}</text>',
        ]
    axis = f"{unit}, logarithmic scale" if scale.is_log else unit
    middle = LABELS + span // 2
    lines.append(f'  <text class="faint" x="{middle}" y="{foot + 33}" text-anchor="middle">{axis}</text>')
    for index, bar in enumerate(bars):
        y = TOP + ROW * index
        length = span * scale.position(bar.value)
        kind = f"{bar.kind} defaults" if bar.is_default else bar.kind
        label, line = escape(bar.label), y + 12
        lines += [
            f'  <text class="text" x="{LABELS - 8}" y="{line}" text-anchor="end">{label}</text>',
            f'  <rect class="{kind}" x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>',
            f'  <text class="text" x="{LABELS + length + 6:.1f}" y="{line}">{number(bar.value)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def _step(high: float) -> float:
    """Returns a round step that gives three to eight lines."""
    decade = 10.0 ** math.floor(math.log10(high))
    return next(decade * m for m in (0.1, 0.2, 0.5, 1) if high / (decade * m) <= 8)
