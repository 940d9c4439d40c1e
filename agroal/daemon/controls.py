"""What the management verbs may see and do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agroal.config import single
from agroal.config.load import ROLES
from agroal.config.model import LogLevel
from agroal.daemon.pausing import changed
from agroal.daemon.picture import picture
from agroal.errors import ManagementError, ServerUnavailable
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
from agroal.management.event import Event, EventKind
from agroal.management.snapshot import Snapshot
from agroal.management.times import microseconds
from agroal.management.wire import Code
from agroal.net.dial import Address, reach
from agroal.net.listen import SocketOptions
from agroal.pool.flushing import Fate, FlushMode

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon

PING_TIMEOUT = 2.0
"""Seconds for a server to take a connection."""


class DaemonControls:
    """Implements `management.controls.Controls` for one daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.version = daemon.version
        self.instance_id = daemon.instance_id
        self.started_wall = daemon.started_wall
        self.started_mono = daemon.started_mono
        self._stragglers: dict[str | None, asyncio.TimerHandle] = {}
        """By database: when a graceful flush stops being graceful."""

    def now(self) -> float:
        """Monotonic seconds."""
        return self._daemon.now()

    # -- looking

    def snapshot(self) -> Snapshot:
        """The daemon at this instant."""
        return picture(self._daemon)

    async def ping_servers(self) -> tuple[ServerPing, ...]:
        """Ask every server at the same time whether it takes connections."""
        configured = self._daemon.configuration.servers
        return tuple(await asyncio.gather(*(self._ping(Address.of(server)) for server in configured)))

    async def _ping(self, address: Address) -> ServerPing:
        error: str | None = None
        began = self.now()
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                channel = await reach(self._daemon.pump, address, SocketOptions())
        except ServerUnavailable as failure:
            error = failure.message
        except TimeoutError:
            error = f"no answer within {PING_TIMEOUT:g} s"
        else:
            channel.close()
        rtt_us = None if error else round((self.now() - began) * 1e6)
        return ServerPing(address.name, address.host, address.port, "unknown", error is None, rtt_us, error)

    def events(self, after: int) -> Sequence[Event]:
        return self._daemon.events.after(after)

    def log_tail(self, level: str, lines: int) -> Sequence[LogLine]:
        """Raises ManagementError `bad-argument` for what is no level."""
        try:
            least = LogLevel(level)
        except ValueError:
            levels = ", ".join(LogLevel)
            raise ManagementError(Code.BAD_ARGUMENT, f"“level” must be one of {levels}") from None
        output = self._daemon.output
        found = output.tail(least, lines) if output else []
        return [LogLine(microseconds(line.at), line.level, line.text) for line in found]

    def settings(self, prefix: str) -> Sequence[Setting]:
        """Raises ManagementError `bad-argument` where there is no such key."""
        pending = self._daemon.reload.pending
        found = single.settings(self._daemon.configuration, prefix)
        if not found:
            raise ManagementError(Code.BAD_ARGUMENT, f"there is no key {prefix[:64]!a}")
        return [
            Setting(row.key, row.value, row.default, row.origin, row.reloadable, pending.get(row.key), row.doc)
            for row in found
        ]

    def files(self) -> Sequence[ConfigurationFile]:
        files = self._daemon.configuration.files
        paths = [(role, getattr(files, role.name)) for role in ROLES]
        return [ConfigurationFile(role.name, str(path) if path else None, role.doc) for role, path in paths]

    def aliases(self) -> Sequence[Alias]:
        return [
            Alias(line.database, line.aliases, line.user, line.max_size, line.initial_size, line.min_size)
            for line in self._daemon.configuration.limits
        ]

    def password(self, user: str) -> Password:
        """Raises ManagementError `refused`."""
        passwords = self._daemon.passwords
        if not passwords.rotate:
            why = "passwords do not rotate: rotate_frontend_password_timeout is 0, or there is a frontend users file"
            raise ManagementError(Code.REFUSED, why)
        password = passwords.shown(user)
        if password is None:
            raise ManagementError(Code.REFUSED, f"there is no user {user[:64]!a} in the users file")
        return Password(user, password)

    # -- acting

    async def record(self, name: str, *, dry_run: bool) -> Dump:
        return await self._daemon.flight.dump(name, dry_run=dry_run)

    def record_command(self, peer: str, command: str) -> None:
        self._daemon.report(EventKind.COMMAND, f"{peer}: {command}")

    def shutdown(self, mode: ShutdownMode, timeout: float | None, *, dry_run: bool) -> float | None:
        """Begin, hurry or take back the end of the daemon. Returns the seconds that clients are waited for."""
        stop, seconds = self._daemon.stop, None
        match mode:
            case ShutdownMode.GRACEFULLY:
                seconds = self._daemon.settings.flush_timeout if timeout is None else timeout
                if not dry_run:
                    stop.gracefully(seconds)
            case ShutdownMode.IMMEDIATE if not dry_run:
                stop.immediately()
            case ShutdownMode.CANCEL if dry_run:
                stop.check_cancel()
            case ShutdownMode.CANCEL:
                stop.cancel()
        return seconds if seconds and self._daemon.sessions else None

    def flush(self, mode: FlushMode, database: str | None, timeout: float | None, *, dry_run: bool) -> Flushed:
        """Close connections. Raises ManagementError `bad-argument` for a database that nobody knows."""
        pool, name = self._daemon.pool, self._known(database)
        fates = pool.core.forecast(mode, name)
        stragglers = fates[Fate.MARKED] + pool.core.forecast(FlushMode.STRAGGLERS, name)[Fate.KILLED]
        seconds = self._daemon.settings.flush_timeout if timeout is None else timeout
        later = seconds if mode is FlushMode.GRACEFULLY and stragglers else 0
        if not dry_run:
            pool.flush(mode, name)
            if mode is FlushMode.GRACEFULLY:
                self._flush_stragglers(name, later)
        timeout_us = microseconds(later) if later else None
        return Flushed(fates[Fate.CLOSED], fates[Fate.MARKED], fates[Fate.KILLED], fates[Fate.ABANDONED], timeout_us)

    def _flush_stragglers(self, database: str | None, seconds: float) -> None:
        """After this time; 0 is never. Asked again, the new time counts."""
        if earlier := self._stragglers.pop(database, None):
            earlier.cancel()
        if seconds:
            loop, flush = asyncio.get_running_loop(), self._daemon.pool.flush
            self._stragglers[database] = loop.call_later(seconds, flush, FlushMode.STRAGGLERS, database)

    def _real(self, database: str | None) -> str | None:
        return None if database is None else self._daemon.configuration.alias(database)

    def _known(self, database: str | None) -> str | None:
        """Its real name. Raises ManagementError `bad-argument` when no pool and no limit is for it."""
        name, core, limits = self._real(database), self._daemon.pool.core, self._daemon.configuration.limits
        if name is None or any(limit.database == name for limit in limits) or core.knows(name):
            return name
        raise ManagementError(Code.BAD_ARGUMENT, f"no pool and no limit is for a database {name[:64]!a}")

    def switch(self, database: str | None, enabled: bool, *, dry_run: bool) -> Switched:
        """Open or close the gate of one database, or of all."""
        gate, name = self._daemon.pool.gate, self._real(database)
        differing = changed(gate, name, enabled)
        inside = Counter(session.key.database for session in self._daemon.sessions.values() if session.key.database)
        clients = sum(
            count for one, count in inside.items() if name in (None, one) and gate.is_open(one) is not enabled
        )
        if not dry_run:
            self._daemon.pool.switch(name, enabled)
        return Switched(differing, clients)

    async def pause(self, database: str | None, timeout: float | None, *, dry_run: bool) -> Paused:  # noqa: ASYNC109
        """Hold the clients of one database, or of all. Raises ManagementError `bad-argument` as `flush` does."""
        return await self._daemon.pausing.pause(self._known(database), timeout, dry_run=dry_run)

    def resume(self, database: str | None, *, dry_run: bool) -> Resumed:
        """Let them go on. Raises ManagementError `bad-argument`."""
        return self._daemon.pausing.resume(self._known(database), dry_run=dry_run)

    async def reconnect(self, database: str | None, timeout: float | None, *, dry_run: bool) -> Paused:  # noqa: ASYNC109
        """Replace the connections to one database, or to all. Raises ManagementError `bad-argument`."""
        return await self._daemon.pausing.reconnect(self._known(database), timeout, dry_run=dry_run)

    def kill(self, client: int, *, dry_run: bool) -> Killed:
        """End a client's connection. Raises ManagementError `refused`."""
        session = self._daemon.sessions.get(client)
        if session is None:
            raise ManagementError(Code.REFUSED, f"there is no client {client}: `status details` numbers them")
        startup = session.startup
        user, database = (startup.user, startup.database) if startup else ("", "")
        killed = Killed(client, user, database, session.client.label, session.state)
        if not dry_run:
            session.terminate()
        return killed

    def clear_statistics(self, *, dry_run: bool) -> int:
        """Count anew from here."""
        daemon = self._daemon
        pools = len(daemon.pool.core.snapshot(self.now()).pools)
        if not dry_run:
            daemon.cleared = None
            daemon.cleared = picture(daemon)
        return pools

    async def reload(self, *, dry_run: bool) -> Reloaded:
        return await self._daemon.reload.reload(dry_run=dry_run)

    async def set(self, key: str, text: str, *, dry_run: bool) -> Change:
        return await self._daemon.reload.set(key, text, dry_run=dry_run)
