"""agroal-top without a screen: once, again and again, or only to record. Nothing here knows Textual.

Standard output is data, standard error is narration.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TextIO

from agroal.management.client import Event
from agroal.management.snapshot import Snapshot
from agroal_top.export import exported
from agroal_top.live import back_off
from agroal_top.model import Model
from agroal_top.replay import ReplaySource
from agroal_top.source import Denied, Lost, Refused, Source
from agroal_top.tables import WITH_RATES, sight

OK, UNREACHABLE, USAGE, DENIED, DEGRADED = range(5)
"""Exit statuses."""

Pause = Callable[[float], object]


def once(source: Source, screen: str | None, format: str, interval: float, out: TextIO) -> int:
    """The exit status. A screen with rates takes two snapshots, `interval` seconds apart; a recording is read to its
    end. Without `screen` it is the overview, in JSON with the whole snapshot. Raises Lost, Refused.
    """
    name = screen or "overview"
    model = Model(interval)
    wanted = 2 if name in WITH_RATES else 1
    source.hello()
    for item in source.snapshots(interval):
        _feed(model, item)
        wanted -= isinstance(item, Snapshot)
        if wanted <= 0 and not isinstance(source, ReplaySource):
            break
    out.write(exported(name, sight(name, model, source), format, whole=screen is None))
    return DEGRADED if model.degraded else OK


def watch(source: Source, screen: str | None, interval: float, out: TextIO, pause: Pause) -> int:
    """A line of JSON every `interval` seconds of the daemon's time; ends with a recording, or when interrupted."""
    name = screen or "overview"
    model = Model(interval)
    seen_us = due_us = 0
    for item in endless(source, interval, pause):
        _feed(model, item)
        if isinstance(item, Snapshot):
            # What comes a little early, or on a clock that began anew, has its turn too.
            now_us, step_us = item.mono_us, item.mono_us - seen_us
            if now_us + step_us / 2 >= due_us or step_us < 0:
                out.write(exported(name, sight(name, model, source), "json"))
                out.flush()
                due_us = now_us + round(interval * 1e6)
            seen_us = now_us
    return OK


def record(source: Source, interval: float, pause: Pause) -> int:
    """Reads a source that records by itself, until it is interrupted."""
    for _ in endless(source, interval, pause):
        pass
    return OK


def endless(source: Source, interval: float, pause: Pause) -> Iterator[Snapshot | tuple[Event, ...]]:
    """What comes from a source. When that is lost it is tried again, for ever; the first time it must succeed.

    Raises Lost, Refused.
    """
    source.hello()
    attempt = 0
    while True:
        try:
            for item in source.snapshots(interval):
                attempt = 0
                yield item
        except Denied:
            raise
        except Lost as error:
            delay = back_off(attempt, 0.0)
            narrate(f"{error}; next attempt in {delay:g} s")
            pause(delay)
            attempt += 1
        else:
            return


def narrate(text: str) -> None:
    for line in text.split("\n"):
        sys.stderr.write(f"agroal-top: {line}\n")


def status_of(error: Lost | Refused) -> int:
    if isinstance(error, Denied) or (isinstance(error, Refused) and error.code == "forbidden"):
        return DENIED
    return UNREACHABLE


def _feed(model: Model, item: Snapshot | tuple[Event, ...]) -> None:
    if isinstance(item, Snapshot):
        model.feed(item, item.mono_us / 1e6)
    else:
        model.feed_events(item)
