"""Snapshots to feed: of a daemon that does one thing, as long as the test says nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from agroal_top.source import Hello, LogLine, LookingOnly, Lost, Refused, Setting

from agroal.management.event import Event
from agroal.management.snapshot import Loop, Pool, Slot, Snapshot
from tests.unit.management import sample

BOUNDS = (1_000, 10_000, 100_000)
STARTED = 1_000
"""Seconds on the daemon's clock."""
WALL = datetime(2026, 11, 22, 12, tzinfo=UTC)


def made(
    seconds: float,
    *,
    instance: str = "one",
    started: float = STARTED,
    counters: Mapping[str, int] | None = None,
    lag: tuple[int, ...] = (0, 0, 0, 0),
    **changes: object,
) -> Snapshot:
    """The daemon when it is so many seconds old."""
    now = started + seconds
    picture = sample.snapshot(
        instance_id=instance,
        mono_us=round(now * 1e6),
        started_us=round(started * 1e6),
        wall=(WALL + timedelta(seconds=now - STARTED)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        bounds_us=BOUNDS,
        pools=(pool(),),
        slots=(),
        loop=Loop(lag, 6),
    )
    return replace(picture, counters=replace(picture.counters, **(counters or {})), **changes)  # type: ignore[arg-type]


def pool(database: str = "shop", user: str = "web", hist: tuple[int, ...] = (0, 0, 0, 0), **changes: object) -> Pool:
    calm = {"waiting": 0, "oldest_wait_us": 0, "active": 1, "max": 10}
    return replace(sample.POOL, database=database, user=user, wait_hist=hist, **{**calm, **changes})  # type: ignore[arg-type]


def slot(id: int = 0, **changes: object) -> Slot:
    return replace(sample.SLOT, id=id, **changes)  # type: ignore[arg-type]


def event(seq: int, seconds: float = 0.0, kind: str = "command") -> Event:
    return Event(seq, round((STARTED + seconds) * 1e6), "2026-11-22T12:00:00.000Z", kind, "info", f"event {seq}")


class ScriptedSource:
    """Plays its parts, one a call of `snapshots`: what to give, and what to raise at the end."""

    name = "script"
    read_only = False

    def __init__(self, *parts: list[Snapshot | tuple[Event, ...] | Exception]) -> None:
        self._parts = list(parts)
        self.closed = False
        self.refusal: Lost | Refused | None = None
        """What `hello` raises."""

    def hello(self) -> Hello:
        if self.refusal:
            raise self.refusal
        return Hello("0.1.0", "one", "admin", (), 0, 0)

    def snapshots(self, interval: float) -> Iterator[Snapshot | tuple[Event, ...]]:
        for item in self._parts.pop(0) if self._parts else []:
            if isinstance(item, Exception):
                raise item
            yield item

    def command(
        self, verb: str, args: Mapping[str, object], *, dry_run: bool = False, key: str | None = None
    ) -> Mapping[str, object]:
        raise LookingOnly

    def log_tail(self, level: str, lines: int) -> list[LogLine]:
        return [LogLine(1, "warn", "a line")]

    def settings(self) -> list[Setting]:
        return [Setting("port", "2345", "2345", "default", False, None, "where it listens")]

    def close(self) -> None:
        self.closed = True
