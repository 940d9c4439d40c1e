"""The curves: what each is of, and how its values are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agroal_top import format
from agroal_top.views.text import Tone


@dataclass(frozen=True, slots=True)
class Curve:
    series: str
    """Its name for `Model.series`."""
    title: str
    shown: Callable[[float | None], str]
    tone: Tone = Tone.ACCENT


def _rate(value: float | None) -> str:
    return format.rate(value, 6)


def _amount(value: float | None) -> str:
    return format.amount(value, 6)


def _duration(value: float | None) -> str:
    return format.duration(value, 6)


def _gauge(value: float | None) -> str:
    return format.number(None if value is None else round(value), 6)


WAIT_95 = Curve("p95", "wait p95", _duration, Tone.WARN)
CURVES = (
    Curve("qps", "queries/s", _rate),
    Curve("tps", "tx/s", _rate),
    Curve("bytes_in", "from clients, octets/s", _amount),
    Curve("bytes_out", "to clients, octets/s", _amount),
    Curve("p50", "wait p50", _duration, Tone.WARN),
    WAIT_95,
    Curve("active", "slots in use", _gauge, Tone.OK),
    Curve("clients", "clients", _gauge, Tone.OK),
    Curve("arrivals", "connections of clients/s", _rate),
    Curve("connects", "connections to servers/s", _rate),
    Curve("timeouts", "waits timed out/s", _rate, Tone.ERROR),
    Curve("lag_us", "lag of agroal's event loop", _duration, Tone.WARN),
)
A_PAGE = 4


def shown_together(number: int) -> tuple[Curve, ...]:
    """The curves of a page; after the last comes the first."""
    start = number * A_PAGE % len(CURVES)
    return CURVES[start : start + A_PAGE]
