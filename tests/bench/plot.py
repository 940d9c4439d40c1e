"""The CPU time per transaction as a picture: a group of bars for each workload, drawn as SVG by hand."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from tests.bench.figures import REFERENCE, Summary
from tests.bench.report import micros

_WIDTH = 760
_LEFT = 110
"""Where the bars begin; names of peers stand to the left of it."""
_RIGHT = 215
"""Room behind the longest bar, for its figure."""
_TOP = 64
_BAR = 16
_STEP = 21
"""From one bar to the next."""
_HEADING = 26
_GAP = 14
_COLOURS = {"agroal": "#0b7a75", REFERENCE: "#7a8794", "pgagroal": "#b5762a", "odyssey": "#7d5ba6"}
_OTHERS = ("#3f88c5", "#d1495b", "#6a994e")
_FONT = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"


def bar_chart(summaries: Sequence[Summary], remark: str) -> str:
    """An SVG of all that have a CPU time. Each workload has a scale of its own; the thin line spans all rounds."""
    measured = [summary for summary in summaries if summary.cpu is not None]
    workloads = list(dict.fromkeys(summary.workload for summary in measured))
    parts: list[str] = []
    y = _TOP
    for workload in workloads:
        group = [summary for summary in measured if summary.workload == workload]
        parts.append(_text(_LEFT, y + 15, workload, "font-weight='600' font-size='13'"))
        y += _HEADING
        longest = max(summary.cpu_most or 0.0 for summary in group)
        for summary in group:
            parts += _bar(summary, y, (_WIDTH - _LEFT - _RIGHT) / longest)
            y += _STEP
        y += _GAP
    title = _text(20, 28, "CPU time of the pool per transaction", "font-weight='600' font-size='17'")
    note = _text(20, 48, remark, "font-size='12' fill='#5b6670'")
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {y}' width='{_WIDTH}' height='{y}' {_FONT}>"
    paper = f"<rect width='{_WIDTH}' height='{y}' fill='#ffffff'/>"
    return "\n".join([head, paper, title, note, *parts, "</svg>", ""])


def _bar(summary: Summary, y: int, scale: float) -> list[str]:
    assert summary.cpu is not None
    assert summary.cpu_least is not None
    assert summary.cpu_most is not None
    middle, width = y + _BAR / 2, summary.cpu * scale
    least, most = (_LEFT + value * scale for value in (summary.cpu_least, summary.cpu_most))
    figure = micros(summary.cpu)
    if summary.cpu_ratio is not None and summary.peer != REFERENCE:
        figure += f"   {summary.cpu_ratio:.2f} × {REFERENCE}"
    return [
        _text(_LEFT - 8, y + 12, summary.peer, "font-size='12' text-anchor='end'"),
        f"<rect x='{_LEFT}' y='{y}' width='{width:.1f}' height='{_BAR}' rx='2' fill='{_colour(summary.peer)}'/>",
        f"<path d='M{least:.1f} {middle:g}H{most:.1f}' stroke='#1b242c' stroke-width='1.2'/>",
        _text(most + 8, y + 12, figure, "font-size='12' xml:space='preserve'"),
    ]


def _text(x: float, y: float, text: str, style: str) -> str:
    fill = "" if "fill=" in style else " fill='#1b242c'"
    return f"<text x='{x:g}' y='{y:g}' {style}{fill}>{escape(text)}</text>"


def _colour(peer: str) -> str:
    return _COLOURS.get(peer) or _OTHERS[sum(peer.encode()) % len(_OTHERS)]
