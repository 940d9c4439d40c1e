"""A daemon that says what a test wants it to say, and the app in front of it."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agroal_top.app import AgroalTop
from agroal_top.options import Options
from agroal_top.recording import Recorded
from agroal_top.source import Hello, LogLine, Lost, Refused, Setting
from textual.pilot import Pilot

from agroal.management.client import Event
from agroal.management.snapshot import (
    AuthenticationFailure,
    Certificate,
    Client,
    ConfigurationState,
    Count,
    Counters,
    Database,
    Loop,
    Pool,
    Server,
    Slot,
    Snapshot,
    Waiter,
)

SECOND = 1_000_000
START, NOW = 5_000 * SECOND, 9_000 * SECOND
BOUNDS = (1_000, 5_000, 20_000, 100_000, 1_000_000, 5_000_000)


def counters(seconds: int) -> Counters:
    return Counters(
        clients=60 + seconds, authenticated=58 + seconds, rejected=2, tls_failures=0, leases=20 * seconds, declined=0,
        waits=2 * seconds, wait_us=400 * seconds, timeouts=3, cancelled=0, connects=9, connect_failures=4,
        validations=0, disconnects=2, queries=1_000 * seconds, transactions=200 * seconds, bytes_in=100_000 * seconds,
        bytes_out=900_000 * seconds, log_warnings=4, log_errors=1,
    )  # fmt: skip


def pool(
    database: str, user: str, active: int, most: int, *, seconds: int = 0, waiting: int = 0, **more: object
) -> Pool:
    values: dict[str, object] = {
        "limit": "agroal_databases.conf:3", "enabled": True, "max": most, "initial": 0, "min": 0, "active": active,
        "idle": 1, "other": 0, "waiting": waiting, "oldest_wait_us": 4_100_000 if waiting else 0,
        "leases": 5 * seconds, "waits": seconds, "wait_us": 200 * seconds, "wait_hist": (0, seconds, 0, 0, 0, 0, 0),
        "timeouts": 0, "failures": 0, "error": None,
    }  # fmt: skip
    return Pool(database=database, user=user, **{**values, **more})  # type: ignore[arg-type]


def slot(id: int, state: str, database: str, user: str, client: str = "", *, seconds: int = 0) -> Slot:
    return Slot(
        id=id, state=state, since_us=NOW - 2 * SECOND, database=database, user=user, application_name="psql",
        client=client, server="pg-a", server_pid=48_000 + id, born_us=NOW - 90 * SECOND, leases=3 + seconds,
        queries=40 * (seconds + id), transactions=8 * (seconds + id), bytes_in=1_000, bytes_out=9_000, tls="TLSv1.3",
    )  # fmt: skip


def client(id: int, state: str, database: str, user: str, slot: int | None, ago: int) -> Client:
    return Client(id, state, NOW - ago * SECOND, user, database, f"10.0.3.{id}:5{id:04}", "psql", slot, "TLSv1.3")


SLOTS = (
    ("in-use", "analytics", "bi"), ("in-use", "shop", "web"), ("free", "shop", "web"), ("init", "shop", "web"),
    ("validation", "shop", "batch"), ("gracefully", "shop", "batch"), ("flush", "shop", "batch"),
    ("remove", "shop", "web"),
    ("idle-check", "shop", "web"), ("max-connection-age", "shop", "web"),
)  # fmt: skip


def snapshot(seconds: int = 0) -> Snapshot:
    """The same daemon, so many seconds later: its totals have grown, everything else is as before."""
    return Snapshot(
        v=1, seq=812 + seconds, version="0.1.0", instance_id="5f0c9a12", wall=f"2026-11-22T12:04:{seconds:02}.000Z",
        mono_us=NOW + seconds * SECOND, started_us=START, status="running",
        configuration=ConfigurationState(None, ("max_connections",)), max_connections=40, bounds_us=BOUNDS,
        counters=counters(seconds), closes=(Count("idle", 3),),
        pools=(
            pool("shop", "web", 1, 40, seconds=seconds),
            pool("analytics", "bi", 1, 1, seconds=seconds, waiting=2),
            pool("shop", "batch", 1, 10, seconds=seconds, failures=4, error="connection refused"),
            pool("billing", "billing", 0, 5, seconds=seconds, enabled=False),
        ),
        slots=tuple(
            slot(id, state, database, user, "10.0.3.7:50007" if state == "in-use" else "", seconds=seconds)
            for id, (state, database, user) in enumerate(SLOTS)
        ),
        servers=(
            Server("pg-a", "10.0.0.11", 5432, "primary", "up", 10, None),
            Server("pg-b", "10.0.0.12", 5432, "standby", "up", 0, None),
            Server("pg-d", "10.0.0.14", 5432, "unknown", "down", 0, "connection refused"),
        ),
        waiters=(
            Waiter(9, "analytics", "bi", NOW - 4_100_000, 1, "limit"),
            Waiter(10, "analytics", "bi", NOW - 900_000, 2, "limit"),
        ),
        clients=(
            client(7, "active", "analytics", "bi", 0, 58), client(8, "active", "shop", "web", 1, 3),
            client(9, "waiting", "analytics", "bi", None, 4), client(10, "waiting", "analytics", "bi", None, 1),
            client(11, "active", "shop", "web", None, 40), client(12, "auth", "", "", None, 0),
        ),
        databases=(Database("billing", False),),
        authentication_failures=(
            AuthenticationFailure("web", "shop", "10.0.7.19", "password authentication failed", 41, NOW - 3 * SECOND),
            AuthenticationFailure("root", "postgres", "192.0.2.77", "no HBA line lets it in", 1, NOW - 600 * SECOND),
        ),
        certificates=(
            Certificate("/etc/agroal/server.crt", "tls_cert_file", "CN=shop", "2026-12-01T00:00:00.000Z"),
            Certificate("/etc/agroal/metrics.crt", "metrics_cert_file", "CN=shop", "2027-08-19T00:00:00.000Z"),
        ),
        loop=Loop((90, 0, 0, 0, 0, 0, 0), 6),
    )  # fmt: skip


EVENTS = (
    Event(1, NOW, "2026-11-22T12:04:00.000Z", "limit-reached", "warn", "analytics/bi at limit 1/1, 2 clients waiting"),
    Event(2, NOW, "2026-11-22T12:04:01.000Z", "server-down", "warn", "server pg-d: connection refused"),
)
SETTINGS = (
    Setting("blocking_timeout", "10s", "30s", "agroal.conf:7", True, None, "how long a client waits"),
    Setting("max_connections", "40", "100", "agroal.conf:3", False, "200", "how many connections there are at most"),
    Setting("validation", "background", "off", "conf set", True, None, "whether idle servers are asked"),
)
LINES = (
    LogLine(NOW, "info", "2026-11-22 12:04:00 INFO pool shop/web has 5 connections"),
    LogLine(NOW + 1, "error", "2026-11-22 12:04:01 ERROR server pg-d: connection refused"),
)
HELLO = Hello("0.1.0", "5f0c9a12", "admin", (), START, NOW)
FLUSHED = {
    "mode": "idle",
    "database": "shop",
    "closed": 3,
    "marked": 0,
    "killed": 2,
    "abandoned": 0,
    "timeout_us": None,
}
ANSWERS: Mapping[str, Mapping[str, object]] = {
    "flush idle": FLUSHED,
    "flush gracefully": FLUSHED,
    "flush all": FLUSHED,
    "enable": {"database": "shop", "enabled": True, "databases": ["shop"], "clients": 2},
    "disable": {"database": "shop", "enabled": False, "databases": ["shop"], "clients": 2},
    "pause": {"database": "shop", "databases": ["shop"], "leased": 2, "others": 1, "held": 3, "waited_us": None},
    "resume": {"database": "shop", "databases": ["shop"], "held": 3},
    "reconnect": {"database": "shop", "leased": 2, "others": 1, "waited_us": None},
    "kill": {"client": 7, "user": "bi", "database": "analytics", "address": "10.0.3.7:50007", "state": "active"},
    "conf set": {"key": "validation", "old": "background", "new": "off", "restart": False},
    "conf alias": {
        "aliases": [{"database": "shop", "aliases": ["store"], "user": "web", "max": 40, "initial": 5, "min": 5}]
    },
    "conf ls": {"files": [{"role": "hba", "path": "/etc/agroal/agroal_hba.conf", "doc": "who may come in"}]},
    "conf reload": {"changes": [{"key": "log_level", "old": "info", "new": "debug", "restart": False}], "notices": []},
    "clear statistics": {"pools": 4},
    "shutdown gracefully": {"mode": "gracefully", "timeout_us": 30_000_000, "clients": 6},
    "shutdown immediate": {"mode": "immediate", "timeout_us": None, "clients": 6},
    "shutdown cancel": {"mode": "cancel", "timeout_us": None, "clients": 6},
    "ping": {"version": "0.1.0", "servers": [{"name": "pg-a", "alive": True, "rtt_us": 412, "error": None}]},
}


@dataclass
class FakeSource:
    """`say` is what the daemon sends next; a Lost is raised. `asked` are the commands it was given."""

    read_only: bool = False
    name: str = "/run/agroal/.s.agroal.2346"
    away: str = ""
    """Why it can't be reached; empty when it can."""
    refusal: Refused | None = None
    asked: list[tuple[str, dict[str, object], bool]] = field(default_factory=list)
    _said: queue.Queue[Snapshot | tuple[Event, ...] | Lost | None] = field(default_factory=queue.Queue)
    _closed: bool = False

    def say(self, *what: Snapshot | tuple[Event, ...] | Lost) -> None:
        for one in what:
            self._said.put(one)

    def hello(self) -> Hello:
        if self.away:
            raise Lost(self.away)
        return HELLO

    def snapshots(self, interval: float) -> Iterator[Snapshot | tuple[Event, ...]]:
        while not self._closed and (one := self._said.get()) is not None:
            if isinstance(one, Lost):
                raise one
            yield one

    def command(
        self, verb: str, args: Mapping[str, object], *, dry_run: bool = False, key: str | None = None
    ) -> Mapping[str, object]:
        self.asked.append((verb, dict(args), dry_run))
        if self.refusal is not None:
            raise self.refusal
        return ANSWERS[verb]

    def log_tail(self, level: str, lines: int) -> list[LogLine]:
        return list(LINES)

    def settings(self) -> list[Setting]:
        return list(SETTINGS)

    def close(self) -> None:
        self._closed = True
        self._said.put(None)

    @property
    def done(self) -> list[tuple[str, dict[str, object]]]:
        """The commands that were not dry runs."""
        return [(verb, args) for verb, args, dry_run in self.asked if not dry_run]


@dataclass
class Scene:
    app: AgroalTop
    pilot: Pilot[int]
    source: FakeSource
    seconds: list[float]
    """The clock of the app; a test sets its only item."""
    notes: list[str]
    """What was said in passing."""

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Lets the app work until that is so."""
        for _ in range(300):
            if true():
                return
            await self.pilot.pause(0.01)
        raise AssertionError(what or "it never came to that:\n" + self.text())

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def see(self, text: str) -> None:
        await self.until(lambda: text in self.text(), f"“{text}” is not on the screen:\n{self.text()}")

    async def hear(self, *what: Snapshot | tuple[Event, ...] | Lost) -> None:
        """The daemon says it, one after the other, each seen before the next."""
        for one in what:
            before = self.app.model.latest, len(self.app.model.events), self.app.model.state
            self.source.say(one)
            await self.until(
                lambda before=before: (
                    before  # type: ignore[misc]
                    != (self.app.model.latest, len(self.app.model.events), self.app.model.state)
                )
            )
            self.seconds[0] += 1
        await self.pilot.pause()

    def text(self) -> str:
        """What stands on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def play(
    scenario: Callable[[Scene], Awaitable[None]],
    source: FakeSource | None = None,
    size: tuple[int, int] = (80, 24),
    options: Options | None = None,
    snapshots: tuple[Snapshot, ...] = (snapshot(0), snapshot(1), snapshot(2)),
    recordable: bool = False,
) -> None:
    """Runs the app in front of a daemon that has said something already."""

    async def scene() -> None:
        fake, seconds = source or FakeSource(), [100.0]
        app = AgroalTop(Recorded(fake) if recordable else fake, options or Options(), clock=lambda: seconds[0])
        notes: list[str] = []
        toast = app.notify

        def notify(message: str, *, markup: bool = True, **how: Any) -> None:
            assert not markup, "what comes from the daemon is no markup"
            notes.append(message)
            toast(message, markup=markup, **how)

        app.notify = notify  # type: ignore[assignment, method-assign]
        async with app.run_test(size=size) as pilot:
            this = Scene(app, pilot, fake, seconds, notes)
            if not fake.away:
                await this.hear(*snapshots)
            await scenario(this)

    asyncio.run(scene())
