"""A daemon that exists only as the verbs see it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace

from agroal.errors import ManagementError
from agroal.management.controls import (
    Alias,
    Change,
    ConfigurationFile,
    Flushed,
    Killed,
    LogLine,
    Password,
    Paused,
    Reloaded,
    Resumed,
    ServerPing,
    Setting,
    ShutdownMode,
    Switched,
)
from agroal.management.dump import Dump
from agroal.management.event import Event
from agroal.management.snapshot import Snapshot
from agroal.management.wire import Request, encode_request
from agroal.pool.flushing import FlushMode
from tests.unit.management.sample import (
    ALIASES,
    ALIVE,
    BLOCKING_TIMEOUT,
    DOWN,
    DUMPED,
    FILES,
    LEVELS,
    LIMIT_REACHED,
    LOG,
    MAX_CONNECTIONS,
    NOW,
    PAUSED,
    RELOADED,
    RESUMED,
    SERVER_PORT,
    STARTED,
    STARTED_MONO,
    STARTED_WALL,
    SWITCHED,
    snapshot,
)


@dataclass
class FakeControls:
    """Answers from its fields, and writes down what it was told to do."""

    picture: Snapshot = field(default_factory=snapshot)
    servers: tuple[ServerPing, ...] = (ALIVE, DOWN)
    flush_timeout: float | None = 60.0
    error: Exception | None = None
    hold: asyncio.Event | None = None
    """While it is set to an event that has not come, `ping_servers` and `reload` wait for it."""
    pinged: asyncio.Event | None = None
    """Is set when one of them was entered."""
    shutdowns: list[tuple[ShutdownMode, float | None]] = field(default_factory=list)
    done: list[tuple[object, ...]] = field(default_factory=list)
    """What else it was told to do."""
    recorded: list[tuple[str, str]] = field(default_factory=list)
    clock: float = NOW
    happened: list[Event] = field(default_factory=lambda: [STARTED, LIMIT_REACHED])
    reloaded: Reloaded = RELOADED
    switched: Switched = SWITCHED
    paused: Paused = PAUSED
    resumed: Resumed = RESUMED

    version = "0.1.0"
    instance_id = "5f0c9a12"
    started_wall = STARTED_WALL
    started_mono = STARTED_MONO

    def now(self) -> float:
        return self.clock

    def snapshot(self) -> Snapshot:
        return self.picture

    async def ping_servers(self) -> tuple[ServerPing, ...]:
        if self.pinged:
            self.pinged.set()
        if self.hold:
            await self.hold.wait()
        if self.error:
            raise self.error
        return self.servers

    def events(self, after: int) -> list[Event]:
        return [event for event in self.happened if event.seq > after]

    def log_tail(self, level: str, lines: int) -> list[LogLine]:
        grave = LEVELS[: LEVELS.index(level) + 1]
        return [line for line in LOG if line.level in grave][-lines:]

    def settings(self, prefix: str) -> list[Setting]:
        known = (BLOCKING_TIMEOUT, MAX_CONNECTIONS, SERVER_PORT)
        found = [s for s in known if not prefix or s.key == prefix or s.key.startswith(f"{prefix}.")]
        if not found:
            raise ManagementError("bad-argument", f"there is no key {prefix!a}")
        return found

    def files(self) -> tuple[ConfigurationFile, ...]:
        return FILES

    def aliases(self) -> tuple[Alias, ...]:
        return ALIASES

    def password(self, user: str) -> Password:
        if user != "web":
            raise ManagementError("refused", f"there is no user {user!a} in the users file")
        return Password(user, "(Vr9'xQ!")

    async def record(self, name: str, *, dry_run: bool) -> Dump:
        if "/" in name:
            raise ManagementError("bad-argument", "“name” must be a file name without a directory")
        self._do(dry_run, "record", name)
        return replace(DUMPED, path=f"/run/agroal/{name or 'agroal-2345'}.agrec")

    def record_command(self, peer: str, command: str) -> None:
        self.recorded.append((peer, command))

    def flush(self, mode: FlushMode, database: str | None, timeout: float | None, *, dry_run: bool) -> Flushed:
        if database not in {None, "shop", "store"}:
            raise ManagementError("bad-argument", f"no pool and no limit knows the database {database!a}")
        self._do(dry_run, "flush", mode, database, timeout)
        match mode:
            case FlushMode.IDLE:
                return Flushed(closed=3, marked=0, killed=0, abandoned=0, timeout_us=None)
            case FlushMode.GRACEFULLY:
                return Flushed(closed=3, marked=1, killed=0, abandoned=0, timeout_us=self._us(timeout))
            case FlushMode.ALL:
                return Flushed(closed=3, marked=0, killed=1, abandoned=2, timeout_us=None)

    def switch(self, database: str | None, enabled: bool, *, dry_run: bool) -> Switched:
        self._do(dry_run, "switch", database, enabled)
        return self.switched

    async def pause(self, database: str | None, timeout: float | None, *, dry_run: bool) -> Paused:  # noqa: ASYNC109
        self._do(dry_run, "pause", database, timeout)
        return self.paused

    def resume(self, database: str | None, *, dry_run: bool) -> Resumed:
        self._do(dry_run, "resume", database)
        return self.resumed

    async def reconnect(self, database: str | None, timeout: float | None, *, dry_run: bool) -> Paused:  # noqa: ASYNC109
        self._do(dry_run, "reconnect", database, timeout)
        return self.paused

    def kill(self, client: int, *, dry_run: bool) -> Killed:
        found = [known for known in self.picture.clients if known.id == client]
        if not found:
            raise ManagementError("refused", f"there is no client {client}")
        self._do(dry_run, "kill", client)
        return Killed(client, found[0].user, found[0].database, found[0].address, found[0].state)

    def clear_statistics(self, *, dry_run: bool) -> int:
        self._do(dry_run, "clear")
        return len(self.picture.pools)

    async def reload(self, *, dry_run: bool) -> Reloaded:
        if self.pinged:
            self.pinged.set()
        if self.hold:
            await self.hold.wait()
        if self.error:
            raise self.error
        self._do(dry_run, "reload")
        return self.reloaded

    async def set(self, key: str, text: str, *, dry_run: bool) -> Change:
        if key == "password":
            text = "********"
        elif key != "blocking_timeout":
            raise ManagementError("bad-argument", f"there is no key {key!a}")
        self._do(dry_run, "set", key, text)
        return Change(key, "10s", text, False)

    def _do(self, dry_run: bool, *what: object) -> None:
        if not dry_run:
            self.done.append(what)

    def _us(self, timeout: float | None) -> int | None:
        seconds = self.flush_timeout if timeout is None else timeout or None
        return None if seconds is None else round(seconds * 1_000_000)

    def shutdown(self, mode: ShutdownMode, timeout: float | None, *, dry_run: bool) -> float | None:
        if mode is ShutdownMode.CANCEL and not self.shutdowns:
            raise ManagementError("refused", "there is no shutdown to take back")
        if not dry_run:
            self.shutdowns.append((mode, timeout))
        if mode is not ShutdownMode.GRACEFULLY:
            return None
        return self.flush_timeout if timeout is None else timeout or None


def request(verb: str = "ping", id: int | str = 1, **args: object) -> bytes:
    return encode_request(Request(id, verb, args))


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def document(frame: bytes) -> dict[str, object]:
    """The JSON of exactly one message."""
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    return json.loads(frame[4:])  # type: ignore[no-any-return]
