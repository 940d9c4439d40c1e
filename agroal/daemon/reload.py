"""A new configuration for a running daemon: all that needs no restart, or nothing when the files can't be used.

The files are read in a thread, for deriving keys takes a while. Then everything changes between two events of the loop.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agroal.config.change import changes, effective
from agroal.config.model import Configuration, ServerSettings, Settings
from agroal.config.single import assign
from agroal.config.single import settings as settings_of
from agroal.daemon.encryption import Encryption
from agroal.daemon.files import Secrets, check
from agroal.daemon.slow import slowest
from agroal.errors import AgroalError, ConfigurationError, ManagementError, VaultError
from agroal.management.controls import Change, Reloaded
from agroal.management.event import EventKind
from agroal.management.phrases import counted
from agroal.management.wire import Code
from agroal.net.listen import SocketOptions
from agroal.pool.flushing import FlushMode
from agroal.pool.limits import Limit
from agroal.pool.settings import PoolSettings

if TYPE_CHECKING:
    from agroal.daemon.daemon import Daemon

Read = Callable[[], tuple[Configuration, Secrets]]
"""Reads all files. Raises ConfigurationError, VaultError."""


def pool_settings(settings: Settings) -> PoolSettings:
    """What the pool is told of the configuration."""
    return PoolSettings(
        max_connections=settings.max_connections,
        blocking_timeout=settings.blocking_timeout,
        idle_timeout=settings.idle_timeout,
        max_connection_age=settings.max_connection_age,
        wait_notice_timeout=settings.wait_notice_timeout,
        validation=settings.validation,
        background_interval=settings.background_interval,
        retry_first=settings.connection_retry_delay,
    )


class Reload:
    """Applies changes, and knows which of them wait for a restart."""

    def __init__(self, daemon: Daemon, secrets: Secrets, read: Read) -> None:
        self.pending: dict[str, str] = {}
        """What waits for a restart: the new value by its key."""
        self.at: float | None = None
        """When something last changed, in monotonic seconds."""
        self._daemon = daemon
        self._secrets = secrets
        self._read = read
        self._busy = asyncio.Lock()

    async def reload(self, *, dry_run: bool) -> Reloaded:
        """Read all files anew. Raises ManagementError `configuration`, with every problem: then nothing has changed."""
        announced = nullcontext() if dry_run else self._daemon.supervision.reloading()
        async with self._busy:
            with announced:
                return await self._reload(dry_run=dry_run)

    async def _reload(self, *, dry_run: bool) -> Reloaded:
        try:
            new, secrets = await asyncio.get_running_loop().run_in_executor(None, self._read)
            difference = [*self._changes(new), *self._users_changed(new, secrets)]
            if dry_run:
                Encryption.of(effective(self._daemon.configuration, new))  # raises what it would raise later
            else:
                await self._apply(new, secrets)
                self._changed(difference)
                self.pending = {change.key: change.new for change in difference if change.restart}
        except (ConfigurationError, VaultError) as error:
            if not dry_run:
                self._daemon.report(EventKind.RELOAD_FAILED, f"nothing is reloaded: {error}")
            raise ManagementError(Code.CONFIGURATION, str(error)) from error
        if not dry_run:
            self._daemon.report(EventKind.RELOADED, _in_words(difference))
        return Reloaded(tuple(difference), tuple(map(str, new.notices)))

    async def set(self, key: str, text: str, *, dry_run: bool) -> Change:
        """Change one key. Raises ManagementError `bad-argument`."""
        async with self._busy:
            now = self._daemon.configuration
            try:
                new = assign(now, key, text, os.environ)
                check(new, self._secrets)
                difference = self._changes(new)
                if dry_run:
                    Encryption.of(new)
                else:
                    await self._apply(new, self._secrets)
                    self._changed(difference)
            except ConfigurationError as error:
                raise ManagementError(Code.BAD_ARGUMENT, str(error)) from error
        if difference:
            return difference[0]
        same = next(setting for setting in settings_of(new, key) if setting.key == key)
        return Change(key, same.value, same.value, False)

    async def signalled(self) -> None:
        """SIGHUP."""
        with suppress(AgroalError):  # it has been reported
            await self.reload(dry_run=False)

    def _changes(self, new: Configuration) -> list[Change]:
        found = changes(self._daemon.configuration, new)
        return [Change(change.key, change.old, change.new, change.restart) for change in found]

    def _users_changed(self, new: Configuration, secrets: Secrets) -> list[Change]:
        files, old = new.files, self._secrets
        return [
            *_users(files.users, "users", old.users, secrets.users),
            *_users(files.frontend_users, "frontend users", old.frontend, secrets.frontend),
            *_users(files.superuser, "superuser", old.superuser, secrets.superuser),
            *_users(files.admins, "admins", old.admins, secrets.admins),
        ]

    async def _apply(self, new: Configuration, secrets: Secrets) -> None:
        daemon, old, asked = self._daemon, self._secrets, self._asked
        taken = effective(daemon.configuration, new)
        take_passwords = await daemon.passwords.renew(secrets, taken.settings)
        take_admins = await daemon.admins.renew(secrets, taken.settings)
        self._take(taken)
        take_passwords()
        take_admins()
        self._secrets = secrets
        if stale := _differing(old.users, secrets.users):
            daemon.dialler.knows(secrets.users)
            for user in stale:  # nobody goes on with a connection that another password has opened
                daemon.pool.flush(FlushMode.GRACEFULLY, user=user)
        if self._asked != asked:
            await daemon.look_up_for(secrets)

    @property
    def _asked(self) -> tuple[object, ...]:
        """Who asks PostgreSQL for secrets, where, and how long."""
        configuration, settings = self._daemon.configuration, self._daemon.settings
        seconds = settings.authentication_timeout
        return settings.auth_query, settings.auth_query_database, seconds, self._secrets.superuser, _way(configuration)

    def _take(self, new: Configuration) -> None:
        """Put it in force. It must need no restart. Raises ConfigurationError before anything has changed."""
        daemon, settings = self._daemon, new.settings
        encryption = Encryption.of(new)
        if daemon.output:
            daemon.output.reconfigure(settings)
        moved = _way(new) != _way(daemon.configuration)
        daemon.configuration = new
        daemon.encryption = encryption
        daemon.settings = settings
        options = SocketOptions(settings.nodelay, settings.keep_alive)
        daemon.options = daemon.cancels.options = options
        daemon.dialler.reconfigure(daemon.route, settings, options)
        daemon.pool.reconfigure(pool_settings(settings), tuple(map(Limit.of, new.limits)), settings.server_reset_query)
        daemon.tracker.switch(settings.tracker)
        daemon.listen_anew(settings.backlog)
        for session in daemon.sessions.values():
            if session.link and session.link.watch:
                session.link.watch.slowest = slowest(settings)
        if moved:
            daemon.pool.flush(FlushMode.GRACEFULLY)

    def _changed(self, difference: list[Change]) -> None:
        if any(not change.restart for change in difference):
            self.at = self._daemon.now()


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Users whose secret is new, another, or gone."""
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _users(file: Path | None, role: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    """What a reload changes in a file of users. It is told by their names."""
    if names := _differing(old, new):
        before, after = counted(len(old), "user"), counted(len(new), "user")
        yield Change(file.name if file else role, before, f"{after}; changed: {', '.join(names)}", False)


def _way(configuration: Configuration) -> ServerSettings:
    """Which server is the primary, and how it is dialled."""
    return replace(configuration.primary, primary=False)


def _in_words(difference: list[Change]) -> str:
    applied = [change.key for change in difference if not change.restart]
    waiting = [change.key for change in difference if change.restart]
    text = f"applied: {', '.join(applied)}" if applied else "nothing to apply"
    return f"{text}; waiting for a restart: {', '.join(waiting)}" if waiting else text
