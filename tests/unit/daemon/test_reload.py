from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agroal.config.choices import Validation
from agroal.config.model import Configuration, LimitLine
from agroal.config.servers import ServerSettings
from agroal.daemon.daemon import Daemon
from agroal.daemon.files import Secrets
from agroal.daemon.reload import pool_settings
from agroal.errors import ConfigurationError, ManagementError, Problem, VaultError
from agroal.management.controls import Change, Role
from agroal.net.dial import Address
from agroal.pool.flushing import FlushMode
from tests.unit.daemon.running import SECRETS, configuration, running
from tests.unit.looping import in_a_loop, until

NOWHERE = Address("pg", "/nowhere", 5432)
BAD = ConfigurationError([Problem("agroal.conf", 7, "port", "expected a number"), Problem("x", 1, "y", "z")])


class Disk:
    """What the files say, and how often they were read."""

    def __init__(self, made: Configuration) -> None:
        self.configuration = made
        self.secrets = SECRETS
        self.failure: Exception | None = None
        self.reads = 0
        self.readable = threading.Event()
        self.readable.set()

    def read(self) -> tuple[Configuration, Secrets]:
        self.reads += 1
        assert self.readable.wait(5)
        if self.failure:
            raise self.failure
        return self.configuration, self.secrets

    def say(self, **settings: Any) -> None:
        given = self.configuration.settings.given() | settings
        self.configuration = replace(self.configuration, settings=type(self.configuration.settings)(**given))


class FakeLog:
    """Where lines go, as far as a reload is concerned."""

    warnings = errors = 0

    def __init__(self) -> None:
        self.levels: list[str] = []
        self.failure: Exception | None = None

    def reconfigure(self, settings: Any) -> None:
        if self.failure:
            raise self.failure
        self.levels.append(settings.log_level)


class Scene:
    def __init__(self, daemon: Daemon, disk: Disk, flushed: list[tuple[FlushMode, str | None, str | None]]) -> None:
        self.daemon = daemon
        self.disk = disk
        self.flushed = flushed
        self.reload = daemon.reload

    def events(self) -> list[tuple[str, str]]:
        """Since the start."""
        return [(event.kind, event.text) for event in self.daemon.events.after(1)]


@asynccontextmanager
async def scene(directory: Path, monkeypatch: pytest.MonkeyPatch, **settings: object) -> AsyncIterator[Scene]:
    """A daemon without clients, and its files."""
    disk = Disk(configuration(directory, NOWHERE, **settings))
    async with running(disk.configuration) as daemon:
        daemon.reload._read = disk.read
        flushed: list[tuple[FlushMode, str | None, str | None]] = []

        def flush(mode: FlushMode, database: str | None = None, user: str | None = None) -> None:
            flushed.append((mode, database, user))

        with monkeypatch.context() as patched:
            patched.setattr(daemon.pool, "flush", flush)
            yield Scene(daemon, disk, flushed)


class TestReload:
    @in_a_loop
    async def test_what_needs_no_restart_is_in_force_at_once(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            at.disk.say(idle_timeout=5.0, tracker=True, nodelay=False, server_reset_query="RESET ALL", backlog=33)
            depths: list[int] = []
            monkeypatch.setattr(at.daemon, "listen_anew", depths.append)
            done = await at.reload.reload(dry_run=False)
            assert [(change.key, change.new, change.restart) for change in done.changes] == [
                ("backlog", "33", False),
                ("nodelay", "off", False),
                ("idle_timeout", "5s", False),
                ("server_reset_query", "RESET ALL", False),
                ("tracker", "on", False),
            ]
            daemon = at.daemon
            assert daemon.settings is daemon.configuration.settings
            assert daemon.settings.idle_timeout == 5
            assert daemon.pool.core._board.settings.idle_timeout == 5
            assert daemon.pool._reset_query == "RESET ALL"
            assert daemon.options == daemon.cancels.options
            assert (daemon.options.nodelay, depths) == (False, [33])
            assert daemon.tracker.on
            assert at.reload.at is not None
            assert at.events()[-1] == (
                "reloaded",
                "applied: backlog, nodelay, idle_timeout, server_reset_query, tracker",
            )

    @in_a_loop
    async def test_what_needs_one_waits_and_is_listed(self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async with scene(socket_dir, monkeypatch, max_connections=4) as at:
            at.disk.say(max_connections=9, idle_timeout=5.0)
            done = await at.reload.reload(dry_run=False)
            assert [(change.key, change.restart) for change in done.changes] == [
                ("max_connections", True),
                ("idle_timeout", False),
            ]
            assert at.reload.pending == {"max_connections": "9"}
            assert (at.daemon.settings.max_connections, at.daemon.settings.idle_timeout) == (4, 5)
            assert at.events()[-1] == ("reloaded", "applied: idle_timeout; waiting for a restart: max_connections")
            at.disk.say(max_connections=4)
            await at.reload.reload(dry_run=False)
            assert at.reload.pending == {}, "it has been taken back"

    @in_a_loop
    async def test_unchanged_files_change_nothing(self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            users = at.daemon.passwords.users
            done = await at.reload.reload(dry_run=False)
            assert (done.changes, at.flushed, at.reload.at) == ((), [], None)
            assert at.daemon.passwords.users is users
            assert at.events()[-1] == ("reloaded", "nothing to apply")

    @pytest.mark.parametrize("failure", [BAD, VaultError("the vault can't be opened")])
    @in_a_loop
    async def test_files_that_can_not_be_used_are_refused_whole(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            before = at.daemon.configuration
            at.disk.failure = failure
            with pytest.raises(ManagementError) as refusal:
                await at.reload.reload(dry_run=False)
            assert refusal.value.code == "configuration"
            assert str(refusal.value) == str(failure)
            assert (at.daemon.configuration, at.reload.at, at.reload.pending) == (before, None, {})
            assert at.events()[-1] == ("reload-failed", f"nothing is reloaded: {failure}")

    @in_a_loop
    async def test_a_log_that_can_not_be_opened_leaves_everything_as_it_was(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch, max_connections=4) as at:
            before, users = at.daemon.configuration, at.daemon.passwords.users
            output = FakeLog()
            output.failure = BAD
            at.daemon.output = output  # type: ignore[assignment]
            at.disk.say(idle_timeout=5.0, max_connections=9)
            at.disk.secrets = Secrets({"ann": "crayon"})
            with pytest.raises(ManagementError):
                await at.reload.reload(dry_run=False)
            assert (at.daemon.configuration, at.daemon.passwords.users, at.reload.pending) == (before, users, {})
            assert (at.flushed, at.daemon.pool.core._board.settings.idle_timeout) == ([], 0)
            output.failure = None
            done = await at.reload.reload(dry_run=False)
            assert len(done.changes) == 3, "the new users are still news"
            assert output.levels == ["info"]

    @in_a_loop
    async def test_a_dry_run_says_what_would_change_and_changes_nothing(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            before, events = at.daemon.configuration, at.events()
            at.disk.say(idle_timeout=5.0, max_connections=99)
            at.disk.secrets = Secrets()
            done = await at.reload.reload(dry_run=True)
            assert [change.key for change in done.changes] == ["backlog", "max_connections", "idle_timeout", "users"]
            assert (at.daemon.configuration, at.reload.at, at.reload.pending) == (before, None, {})
            assert (at.flushed, at.events(), "ann" in at.daemon.passwords.users) == ([], events, True)
            at.disk.failure = BAD
            with pytest.raises(ManagementError):
                await at.reload.reload(dry_run=True)
            assert at.events() == events

    @in_a_loop
    async def test_two_at_once_come_one_after_the_other(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            at.disk.readable.clear()
            at.disk.say(idle_timeout=5.0)
            first, second = (asyncio.create_task(at.reload.reload(dry_run=False)) for _ in range(2))
            setting = asyncio.create_task(at.reload.set("idle_timeout", "7s", dry_run=False))
            await until(lambda: at.disk.reads)
            at.disk.readable.set()
            assert [len((await one).changes) for one in (first, second)] == [1, 0]
            assert (await setting).old == "5s", "it comes last, as it was asked last"
            assert at.daemon.settings.idle_timeout == 7

    @in_a_loop
    async def test_notices_are_passed_on(self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            notice = Problem("agroal.conf", 3, "hugepage", "it has no effect")
            at.disk.configuration = replace(at.disk.configuration, notices=(notice,))
            assert (await at.reload.reload(dry_run=False)).notices == (str(notice),)

    @in_a_loop
    async def test_one_that_ends_after_the_daemon_does_no_harm(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            at.disk.readable.clear()
            at.disk.say(backlog=44)
            late = asyncio.create_task(at.reload.reload(dry_run=False))
            await until(lambda: at.disk.reads)
            at.daemon.stop.immediately()
        at.disk.readable.set()
        await late


class TestSignal:
    @in_a_loop
    async def test_applies_what_the_files_say(self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            at.disk.say(idle_timeout=5.0)
            await at.reload.signalled()
            assert at.daemon.settings.idle_timeout == 5

    @in_a_loop
    async def test_bad_files_are_told_of_and_nothing_else_happens(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            at.disk.failure = BAD
            await at.reload.signalled()
            assert [kind for kind, _ in at.events()] == ["reload-failed"]


class TestUsers:
    @in_a_loop
    async def test_a_new_password_counts_and_connections_opened_with_the_old_one_go(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            at.disk.secrets = Secrets({"ann": "crayon", "bob": "chalk"})
            done = await at.reload.reload(dry_run=False)
            (change,) = done.changes
            assert change == Change("users", "1 user", "2 users; changed: ann, bob", False)
            assert at.daemon.passwords.users.accepts_password("ann", "crayon")
            assert not at.daemon.passwords.users.accepts_password("ann", "pencil")
            assert at.daemon.passwords.users.accepts_password("bob", "chalk")
            assert {name: secret.text for name, secret in at.daemon.dialler._users.items()} == at.disk.secrets.users
            assert at.flushed == [(FlushMode.GRACEFULLY, None, "ann"), (FlushMode.GRACEFULLY, None, "bob")]
            assert "pencil" not in str(at.events())
            assert "crayon" not in str(at.events())

    @in_a_loop
    async def test_who_is_not_among_them_any_more_is_a_stranger(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            at.disk.secrets = Secrets()
            await at.reload.reload(dry_run=False)
            assert "ann" not in at.daemon.passwords.users
            assert at.flushed == [(FlushMode.GRACEFULLY, None, "ann")]

    @in_a_loop
    async def test_the_event_names_the_file_and_not_who_is_in_it(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            files = replace(at.disk.configuration.files, users=Path("/etc/agroal/agroal_users.conf"))
            at.disk.configuration = replace(at.disk.configuration, files=files)
            at.disk.secrets = Secrets({"ann": "crayon"})
            await at.reload.reload(dry_run=False)
            assert at.events()[-1] == ("reloaded", "applied: users file, agroal_users.conf")


class TestServers:
    @in_a_loop
    async def test_a_primary_that_is_elsewhere_is_dialled_there_and_the_old_connections_go(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = ServerSettings(name="other", host="/elsewhere", port=5433)
        first = ServerSettings(name="pg", host="/nowhere", port=5432, primary=True)
        disk_of = lambda made, **marks: replace(  # noqa: E731
            made, servers=(replace(first, primary=not marks), replace(other, primary=bool(marks)))
        )
        async with scene(socket_dir, monkeypatch) as at:
            at.daemon.configuration = disk_of(at.daemon.configuration)
            at.disk.configuration = disk_of(at.disk.configuration, other=True)
            await at.reload.reload(dry_run=False)
            assert at.daemon.dialler.address == Address("other", "/elsewhere", 5433)
            assert at.flushed == [(FlushMode.GRACEFULLY, None, None)]

    @in_a_loop
    async def test_limits_and_aliases_are_in_force_at_once(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            line = LimitLine("agroal_databases.conf", 1, "shop", ("market",), "all", 3, 0, 0)
            at.disk.configuration = replace(at.disk.configuration, limits=(line,))
            await at.reload.reload(dry_run=False)
            assert at.daemon.configuration.alias("market") == "shop"
            assert [cap.size for cap in at.daemon.pool.core._seats.caps if cap.limit] == [3]


class TestSet:
    @in_a_loop
    async def test_one_key_is_changed_until_the_next_reload(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            change = await at.reload.set("idle_timeout", "1m", dry_run=False)
            assert change == Change("idle_timeout", "0", "1m", False)
            assert at.daemon.settings.idle_timeout == 60
            assert at.reload.at is not None
            assert at.daemon.configuration.origins["idle_timeout"] == "conf set"
            done = await at.reload.reload(dry_run=False)
            assert [(one.key, one.new) for one in done.changes] == [("idle_timeout", "0")]
            assert at.daemon.settings.idle_timeout == 0

    @in_a_loop
    async def test_a_dry_run_sets_nothing(self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            before = at.daemon.configuration
            change = await at.reload.set("idle_timeout", "1m", dry_run=True)
            assert (change.new, at.daemon.configuration, at.reload.at) == ("1m", before, None)

    @in_a_loop
    async def test_what_it_is_already_is_no_change(self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            change = await at.reload.set("idle_timeout", "0", dry_run=False)
            assert change == Change("idle_timeout", "0", "0", False)
            assert at.reload.at is None

    @pytest.mark.parametrize(
        ("key", "value", "why"),
        [
            ("max_connections", "9", "needs a restart"),
            ("idle_timeout", "long", "idle_timeout"),
            ("idle_timeot", "1m", "did you mean idle_timeout"),
        ],
    )
    @pytest.mark.parametrize("dry_run", [True, False])
    @in_a_loop
    async def test_what_can_not_be_set_is_said(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str, why: str, dry_run: bool
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            before = at.daemon.configuration
            with pytest.raises(ManagementError, match=why) as refusal:
                await at.reload.set(key, value, dry_run=dry_run)
            assert (refusal.value.code, at.daemon.configuration) == ("bad-argument", before)


class TestSecrets:
    """Frontend users, the superuser, and who asks PostgreSQL."""

    ROOT = Secrets({"ann": "pencil"}, {}, {"root": "slate"})

    @in_a_loop
    async def test_frontend_users_count_for_clients_and_their_servers_stay(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            at.disk.secrets = Secrets({"ann": "pencil"}, {"ann": "chalk"})
            (change,) = (await at.reload.reload(dry_run=False)).changes
            assert change == Change("frontend users", "0 users", "1 user; changed: ann", False)
            users = at.daemon.passwords.users
            assert [users.accepts_password("ann", word) for word in ("pencil", "chalk")] == [False, True]
            assert at.daemon.dialler._users["ann"].text == "pencil"
            assert at.flushed == []
            assert "chalk" not in str(at.events())

    @in_a_loop
    async def test_admins_count_from_the_reload_on_and_no_server_goes(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            at.disk.secrets = Secrets({"ann": "pencil"}, admins={"ops": "flint"})
            at.disk.say(monitors="ops")
            done = await at.reload.reload(dry_run=False)
            assert done.changes == (
                Change("monitors", "", "ops", False),
                Change("admins", "0 users", "1 user; changed: ops", False),
            )
            assert at.daemon.admins.role("ops") is Role.MONITOR
            assert at.daemon.admins.users.accepts_password("ops", "flint")
            assert at.flushed == []
            assert "flint" not in str(at.events())

    @in_a_loop
    async def test_who_may_only_look_can_be_set_and_must_be_an_admin(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            at.disk.secrets = Secrets({"ann": "pencil"}, admins={"ops": "flint"})
            await at.reload.reload(dry_run=False)
            await at.reload.set("monitors", "ops", dry_run=False)
            assert at.daemon.admins.role("ops") is Role.MONITOR
            with pytest.raises(ManagementError, match='user "eye" is not in the admins file'):
                await at.reload.set("monitors", "eye", dry_run=False)

    @in_a_loop
    async def test_auth_query_is_switched_on_and_off(self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            assert at.daemon.lookup is None
            at.disk.secrets = self.ROOT
            at.disk.say(auth_query=True)
            done = await at.reload.reload(dry_run=False)
            assert [change.key for change in done.changes] == ["auth_query", "superuser"]
            assert at.daemon.lookup
            assert "slate" not in str(at.events())
            at.disk.say(auth_query=False)
            await at.reload.reload(dry_run=False)
            assert at.daemon.lookup is None

    @pytest.mark.parametrize(
        ("settings", "superuser"),
        [
            ({"auth_query_database": "shop"}, {"root": "slate"}),
            ({"authentication_timeout": 7.0}, {"root": "slate"}),
            ({}, {"root": "chalk"}),
            ({}, {"postgres": "slate"}),
        ],
    )
    @in_a_loop
    async def test_who_is_asked_changes_with_what_it_depends_on_and_not_else(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], superuser: dict[str, str]
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            at.disk.secrets = self.ROOT
            at.disk.say(auth_query=True)
            await at.reload.reload(dry_run=False)
            before = at.daemon.lookup
            at.disk.say(idle_timeout=7.0)
            await at.reload.reload(dry_run=False)
            assert at.daemon.lookup is before, "what it remembers, and its connection, are still good"
            at.disk.say(**settings)
            at.disk.secrets = replace(self.ROOT, superuser=superuser)
            await at.reload.reload(dry_run=False)
            assert at.daemon.lookup is not before

    @in_a_loop
    async def test_a_primary_that_is_elsewhere_is_asked_instead(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            at.disk.secrets = self.ROOT
            at.disk.say(auth_query=True)
            here = ServerSettings(name="pg", host="/nowhere", port=5432)
            elsewhere = ServerSettings(name="other", host="/elsewhere", port=5433)
            at.disk.configuration = replace(at.disk.configuration, servers=(replace(here, primary=True), elsewhere))
            at.daemon.configuration = replace(at.daemon.configuration, servers=at.disk.configuration.servers)
            await at.reload.reload(dry_run=False)
            before = at.daemon.lookup
            at.disk.configuration = replace(at.disk.configuration, servers=(here, replace(elsewhere, primary=True)))
            await at.reload.reload(dry_run=False)
            assert at.daemon.lookup is not before

    @in_a_loop
    async def test_one_key_switches_it_too(self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            at.disk.secrets = self.ROOT
            await at.reload.reload(dry_run=False)
            await at.reload.set("auth_query", "on", dry_run=True)
            assert at.daemon.lookup is None
            await at.reload.set("auth_query", "on", dry_run=False)
            assert at.daemon.lookup
            await at.reload.set("auth_query", "off", dry_run=False)
            assert at.daemon.lookup is None

    @pytest.mark.parametrize("dry_run", [True, False])
    @in_a_loop
    async def test_but_not_without_a_superuser(
        self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch, dry_run: bool
    ) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            with pytest.raises(ManagementError, match="needs a superuser file") as refusal:
                await at.reload.set("auth_query", "on", dry_run=dry_run)
            assert (refusal.value.code, at.daemon.settings.auth_query) == ("bad-argument", False)

    @in_a_loop
    async def test_rotation_begins_with_the_key_for_it(self, socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async with scene(socket_dir, monkeypatch) as at:
            await at.reload.set("rotate_frontend_password_timeout", "1h", dry_run=False)
            made_up = at.daemon.passwords.shown("ann")
            assert made_up
            assert at.daemon.passwords.users.accepts_password("ann", made_up)
            await at.reload.reload(dry_run=False)
            assert at.daemon.passwords.shown("ann") is None


def test_the_pool_is_told_what_concerns_it(tmp_path: Path) -> None:
    settings = configuration(
        tmp_path,
        NOWHERE,
        max_connections=7,
        blocking_timeout=1.0,
        idle_timeout=2.0,
        max_connection_age=3.0,
        wait_notice_timeout=4.0,
        validation=Validation.BACKGROUND,
        background_interval=6.0,
        connection_retry_delay=0.5,
    ).settings
    told = pool_settings(settings)
    assert (told.max_connections, told.blocking_timeout, told.idle_timeout) == (7, 1, 2)
    assert (told.max_connection_age, told.wait_notice_timeout, told.validation) == (3, 4, Validation.BACKGROUND)
    assert (told.background_interval, told.retry_first) == (6, 0.5)
