"""The imagined agroal as a source: to try the dashboard without any daemon. The same seed shows the same."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from agroal.management.client import Event
from agroal.management.snapshot import Snapshot
from agroal_top.imagined import ImaginedPool
from agroal_top.source import LOOKING, Hello, LogLine, LookingOnly, Refused, Setting
from agroal_top.story import VERSION, Story

Result = dict[str, object]

_LINES_KEPT = 500
_SETTINGS = (
    Setting("blocking_timeout", "30s", "30s", "default", True, None, "how long a client waits for a connection"),
    Setting("idle_timeout", "45s", "0", "agroal.conf:9", True, None, "how long a connection is kept that is not used"),
    Setting("max_connections", "100", "100", "default", False, None, "how many connections there are at most"),
    Setting("pipeline", "transaction", "auto", "agroal.conf:7", False, None, "when a server is given back"),
)


class DemoSource:
    """`wait` lets so many seconds pass; it may return early when the source is closed."""

    def __init__(
        self, seed: int = 1, *, read_only: bool = False, wait: Callable[[float], object] | None = None
    ) -> None:
        self._story = Story(seed)
        self._read_only = read_only
        self._closed = threading.Event()
        self._wait = wait or self._closed.wait
        self._lock = threading.Lock()
        self._log: deque[LogLine] = deque(maxlen=_LINES_KEPT)

    @property
    def name(self) -> str:
        return "demo"

    @property
    def read_only(self) -> bool:
        return self._read_only

    def hello(self) -> Hello:
        role = "monitor" if self._read_only else "admin"
        with self._lock:
            story = self._story
            return Hello(VERSION, story.instance_id, role, ("subscribe",), story.started_us, story.now_us)

    def snapshots(self, interval: float) -> Iterator[Snapshot | tuple[Event, ...]]:
        while not self._closed.is_set():
            with self._lock:
                events = self._story.advance(interval)
                snapshot = self._story.snapshot()
                self._log.extend(_line(event) for event in events)
            yield snapshot
            if events:
                yield events
            self._wait(interval)

    def command(
        self, verb: str, args: Mapping[str, object], *, dry_run: bool = False, key: str | None = None
    ) -> Result:
        if self._read_only and verb not in LOOKING:
            raise LookingOnly
        with self._lock:
            result = self._obey(verb, args, dry_run)
            if not dry_run and verb not in LOOKING:
                said = " ".join([verb, *map(str, args.values())])
                self._story.tell("command", "info", f"you: {said}")
        return result

    def log_tail(self, level: str, lines: int) -> list[LogLine]:
        grave = ("fatal", "error", "warn", "info", "debug", "trace")
        wanted = grave[: grave.index(level) + 1]
        with self._lock:
            return [line for line in self._log if line.level in wanted][-lines:]

    def settings(self) -> list[Setting]:
        return list(_SETTINGS)

    def close(self) -> None:
        self._closed.set()

    def _obey(self, verb: str, args: Mapping[str, object], dry_run: bool) -> Result:
        database = args.get("database")
        pools = [pool for pool in self._story.pools if database in {None, "all", "*", pool.custom.database}]
        match verb.split():
            case ["flush", mode]:
                return _flush(pools, mode, database, dry_run)
            case ["enable" | "disable"]:
                return _switch(pools, verb == "enable", database, dry_run)
            case ["pause" | "resume"]:
                return _pause(pools, verb == "pause", database, dry_run)
            case ["reconnect"]:
                return {"database": database, **_held(pools), "waited_us": None}
            case ["kill"]:
                return _kill(pools, args.get("client"), dry_run)
            case ["clear", "statistics"]:
                if not dry_run:
                    self._story.clear()
                return {"pools": len(pools)}
            case ["ping"]:
                return {"version": VERSION, "servers": []}
            case ["conf", "reload"]:
                return {"changes": [], "notices": []}
            case ["conf", "alias"]:
                return {"aliases": [_limit(pool) for pool in self._story.pools]}
            case ["conf", "ls"]:
                return {"files": [{"role": "main", "path": "agroal.conf", "doc": "imagined, as everything here"}]}
        raise Refused("refused", f"“{verb}” has no meaning in the demonstration: it takes a real agroal")


def _limit(pool: ImaginedPool) -> Result:
    seen = pool.custom
    return {
        "database": seen.database,
        "aliases": [],
        "user": seen.user,
        "max": seen.max,
        "initial": 0,
        "min": seen.least,
    }


def _flush(pools: list[ImaginedPool], mode: str, database: object, dry_run: bool) -> Result:
    """Leased connections are closed at once here, or not at all: nobody is asked to wait for them."""
    idle = [(pool, seat) for pool in pools for seat in pool.seats if not seat.guest]
    leased = [(pool, seat) for pool in pools for seat in pool.seats if seat.guest]
    killed = leased if mode == "all" else []
    if not dry_run:
        for pool, seat in [*idle, *killed]:
            pool.close(seat, "flush")
    marked = len(leased) if mode == "gracefully" else 0
    counts = {"closed": len(idle), "marked": marked, "killed": len(killed), "abandoned": 0, "timeout_us": None}
    return {"mode": mode, "database": database, **counts}


def _switch(pools: list[ImaginedPool], enabled: bool, database: object, dry_run: bool) -> Result:
    changed = sorted({pool.custom.database for pool in pools if pool.enabled is not enabled})
    if not dry_run:
        for pool in pools:
            pool.enabled = enabled
    clients = sum(pool.guests for pool in pools)
    return {"database": database, "enabled": enabled, "databases": changed, "clients": clients}


def _pause(pools: list[ImaginedPool], paused: bool, database: object, dry_run: bool) -> Result:
    """Who is in the middle of something goes on with it; nobody takes a seat until it is resumed."""
    changed = sorted({pool.custom.database for pool in pools if pool.paused is not paused})
    told = {"database": database, "databases": changed}
    if not paused:
        told |= {"held": sum(len(pool.waiters) for pool in pools if pool.paused)}
    else:
        told |= {**_held(pools), "held": sum(len(pool.waiters) for pool in pools), "waited_us": None}
    if not dry_run:
        for pool in pools:
            pool.paused = paused
    return told


def _held(pools: list[ImaginedPool]) -> Result:
    seats = [seat for pool in pools for seat in pool.seats]
    leased = sum(seat.guest is not None for seat in seats)
    return {"leased": leased, "others": len(seats) - leased}


def _kill(pools: list[ImaginedPool], number: object, dry_run: bool) -> Result:
    for pool in pools:
        for client in pool.clients():
            if client.id == number:
                if not dry_run:
                    _remove(pool, client.id)
                known = {"user": client.user, "database": client.database, "address": client.address}
                return {"client": client.id, **known, "state": client.state}
    raise Refused("refused", f"there is no client {number}")


def _remove(pool: ImaginedPool, number: int) -> None:
    for seat in pool.seats:
        if seat.guest and seat.guest.id == number:
            pool.close(seat, "killed")
            return
    pool.waiters = type(pool.waiters)(guest for guest in pool.waiters if guest.id != number)


def _line(event: Event) -> LogLine:
    return LogLine(event.mono_us, event.level, f"{event.wall} {event.level.upper()} {event.text}")
