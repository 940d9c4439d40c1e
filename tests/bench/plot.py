"""CPU times and tails as a picture: a group of bars for each workload, drawn as SVG by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from tests.bench.figures import Summary
from tests.bench.report import micros, millis

_WIDTH = 860
_LEFT = 150
"""Where the bars begin; names of peers stand to the left of it."""
_RIGHT = 245
"""Room behind the longest bar, for its figure."""
_TITLE = 64
_BAR = 16
_STEP = 21
"""From one bar to the next."""
_HEADING = 26
_GAP = 14
_COLOURS = {
    "agroal": "#0b7a75",
    "agroal-performance": "#2fa39d",
    "agroal-pure": "#83c5be",
    "pgbouncer": "#7a8794",
    "pgagroal": "#b5762a",
    "odyssey": "#7d5ba6",
}
_OTHERS = ("#3f88c5", "#d1495b", "#6a994e")
_FONT = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure of a peer; the line spans from the least to the most of all rounds."""

    workload: str
    peer: str
    value: float
    least: float
    most: float
    label: str


def charts(summaries: Sequence[Summary], remark: str) -> str:
    """An SVG of all CPU times, and below them of all tails. Each workload has a scale of its own."""
    parts: list[str] = []
    y = 0
    for title, bars in (
        ("CPU time of the pool per transaction", _cpu_bars(summaries)),
        ("Latency that 99 of 100 transactions do not exceed", _tail_bars(summaries)),
    ):
        if bars or not parts:
            drawn, y = _chart(title, remark, bars, y)
            parts += drawn
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {y}' width='{_WIDTH}' height='{y}' {_FONT}>"
    paper = f"<rect width='{_WIDTH}' height='{y}' fill='#ffffff'/>"
    return "\n".join([head, paper, *parts, "</svg>", ""])


def _cpu_bars(summaries: Sequence[Summary]) -> list[Bar]:
    return [
        Bar(one.workload, one.peer, one.cpu, one.cpu_least, one.cpu_most, _label(micros(one.cpu), one.cpu_ratio, one))
        for one in summaries
        if one.cpu is not None and one.cpu_least is not None and one.cpu_most is not None
    ]


def _tail_bars(summaries: Sequence[Summary]) -> list[Bar]:
    return [
        Bar(one.workload, one.peer, one.p99, one.p99_least, one.p99_most, _label(millis(one.p99), one.p99_ratio, one))
        for one in summaries
        if one.p99 is not None and one.p99_least is not None and one.p99_most is not None
    ]


def _label(figure: str, ratio: float | None, summary: Summary) -> str:
    if ratio is None or summary.peer == summary.reference:
        return figure
    return f"{figure}   {ratio:.2f} × {summary.reference}"


def _chart(title: str, remark: str, bars: Sequence[Bar], y: int) -> tuple[list[str], int]:
    """What is drawn from `y` down, and where it ends."""
    parts = [
        _text(20, y + 28, title, "font-weight='600' font-size='17'"),
        _text(20, y + 48, remark, "font-size='12' fill='#5b6670'"),
    ]
    y += _TITLE
    for workload in dict.fromkeys(bar.workload for bar in bars):
        group = [bar for bar in bars if bar.workload == workload]
        parts.append(_text(_LEFT, y + 15, workload, "font-weight='600' font-size='13'"))
        y += _HEADING
        longest = max(bar.most for bar in group)
        for bar in group:
            parts += _bar(bar, y, (_WIDTH - _LEFT - _RIGHT) / longest)
            y += _STEP
        y += _GAP
    return parts, y


def _bar(bar: Bar, y: int, scale: float) -> list[str]:
    middle, width = y + _BAR / 2, bar.value * scale
    least, most = (_LEFT + value * scale for value in (bar.least, bar.most))
    return [
        _text(_LEFT - 8, y + 12, bar.peer, "font-size='12' text-anchor='end'"),
        f"<rect x='{_LEFT}' y='{y}' width='{width:.1f}' height='{_BAR}' rx='2' fill='{_colour(bar.peer)}'/>",
        f"<path d='M{least:.1f} {middle:g}H{most:.1f}' stroke='#1b242c' stroke-width='1.2'/>",
        _text(most + 8, y + 12, bar.label, "font-size='12' xml:space='preserve'"),
    ]


def _text(x: float, y: float, text: str, style: str) -> str:
    fill = "" if "fill=" in style else " fill='#1b242c'"
    return f"<text x='{x:g}' y='{y:g}' {style}{fill}>{escape(text)}</text>"


def _colour(peer: str) -> str:
    return _COLOURS.get(peer) or _COLOURS.get(peer.partition("-")[0]) or _OTHERS[sum(peer.encode()) % len(_OTHERS)]
