from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agroal.config.model import Settings
from agroal.daemon.files import Secrets
from agroal.daemon.passwords import PRINTABLE, Passwords, made_up
from tests.unit.looping import in_a_loop, settle, until

SETTINGS = Settings(host="*", port=2345, unix_socket_dir=Path("/tmp"))
NEVER = 3600.0
"""Seconds: long enough for nothing to happen in a test."""
SOON = 0.001
VAULT = {"ann": "pencil", "bob": "crayon"}


def rotating(seconds: float = NEVER, length: int = 8) -> Settings:
    return replace(SETTINGS, rotate_frontend_password_timeout=seconds, rotate_frontend_password_length=length)


def passwords(secrets: Secrets, settings: Settings = SETTINGS) -> Passwords:
    return Passwords(secrets, settings, os.urandom)


@asynccontextmanager
async def started(secrets: Secrets, settings: Settings) -> AsyncIterator[Passwords]:
    made = passwords(secrets, settings)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def lets_in(known: Passwords, user: str, password: str) -> bool:
    return known.users.accepts_password(user, password)


class TestOfClients:
    def test_they_are_the_vaults(self) -> None:
        known = passwords(Secrets(VAULT))
        assert lets_in(known, "ann", "pencil")
        assert (known.shown("ann"), known.rotate) == (None, False)

    def test_what_the_frontend_file_says_goes_before_the_vault(self) -> None:
        known = passwords(Secrets(VAULT, {"ann": "chalk"}))
        assert [lets_in(known, "ann", word) for word in ("pencil", "chalk")] == [False, True]
        assert lets_in(known, "bob", "crayon")

    def test_the_superuser_is_no_client(self) -> None:
        assert "root" not in passwords(Secrets(VAULT, {}, {"root": "chalk"})).users

    def test_they_are_made_up_where_they_rotate(self) -> None:
        known = passwords(Secrets(VAULT), rotating(length=20))
        for user, word in VAULT.items():
            shown = known.shown(user)
            assert shown
            assert (len(shown), lets_in(known, user, shown), lets_in(known, user, word)) == (20, True, False)
        assert known.shown("ann") != known.shown("bob")
        assert (known.shown("eve"), known.rotate) == (None, True)

    def test_where_a_file_says_what_they_are_they_do_not_rotate(self) -> None:
        known = passwords(Secrets(VAULT, {"ann": "chalk"}), rotating())
        assert lets_in(known, "ann", "chalk")
        assert (known.shown("ann"), known.shown("bob"), known.rotate) == (None, None, False)

    def test_no_secret_is_in_a_repr(self) -> None:
        secrets = Secrets(VAULT, {"ann": "chalk"}, {"root": "slate"})
        known = passwords(Secrets(VAULT), rotating())
        shown = known.shown("ann")
        assert shown
        assert not any(
            word in f"{secrets} {known} {known.users}" for word in ("pencil", "crayon", "chalk", "slate", shown)
        )


class TestRotation:
    @in_a_loop
    async def test_the_old_password_lets_nobody_in_and_the_new_one_does(self) -> None:
        async with started(Secrets(VAULT), rotating(SOON)) as known:
            before = known.shown("ann")
            assert before
            await until(lambda: known.shown("ann") != before)
            known.stop()
            now = known.shown("ann")
            assert now
            assert [lets_in(known, "ann", word) for word in (before, now)] == [False, True]

    @in_a_loop
    async def test_it_goes_on(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO", "agroal.passwords")
        async with started(Secrets(VAULT), rotating(SOON)) as known:
            seen: set[str | None] = set()
            while len(seen) < 3:
                seen.add(known.shown("ann"))
                await asyncio.sleep(0)
        assert set(caplog.messages) == {"the passwords of clients have been rotated"}

    @in_a_loop
    async def test_stopped_it_ends(self) -> None:
        async with started(Secrets(VAULT), rotating(SOON)) as known:
            known.stop()
            before = known.shown("ann")
            await settle()
            assert (known.shown("ann"), len(asyncio.all_tasks())) == (before, 1)

    @in_a_loop
    async def test_without_it_there_is_no_task(self) -> None:
        async with started(Secrets(VAULT), SETTINGS):
            assert len(asyncio.all_tasks()) == 1


class TestRenewal:
    @in_a_loop
    async def test_nothing_is_in_force_before_it_is_taken(self) -> None:
        known = passwords(Secrets(VAULT))
        take = await known.renew(Secrets({"ann": "chalk"}), SETTINGS)
        assert lets_in(known, "ann", "pencil")
        take()
        assert (lets_in(known, "ann", "chalk"), "bob" in known.users) == (True, False)

    @in_a_loop
    async def test_the_same_secrets_are_not_derived_again(self) -> None:
        known = passwords(Secrets(VAULT))
        users = known.users
        (await known.renew(Secrets(dict(VAULT)), SETTINGS))()
        assert known.users is users

    @in_a_loop
    async def test_made_up_passwords_stay_and_new_users_get_theirs(self) -> None:
        known = passwords(Secrets(VAULT), rotating())
        before = known.shown("ann")
        (await known.renew(Secrets({"ann": "chalk", "eve": "slate"}), rotating()))()
        eves = known.shown("eve")
        assert eves
        assert (known.shown("ann"), known.shown("bob")) == (before, None)
        assert lets_in(known, "eve", eves)

    @in_a_loop
    async def test_rotation_can_be_switched_on_and_off(self) -> None:
        async with started(Secrets(VAULT), SETTINGS) as known:
            (await known.renew(Secrets(VAULT), rotating(SOON)))()
            before = known.shown("ann")
            assert before
            await until(lambda: known.shown("ann") != before)
            (await known.renew(Secrets(VAULT), SETTINGS))()
            assert (known.shown("ann"), lets_in(known, "ann", "pencil"), known._rotating) == (None, True, None)

    @in_a_loop
    async def test_one_that_comes_too_late_starts_nothing(self) -> None:
        """The daemon has stopped while the files were read."""
        known = passwords(Secrets(VAULT))
        known.start()
        take = await known.renew(Secrets(VAULT), rotating(SOON))
        known.stop()
        take()
        assert (known._rotating, len(asyncio.all_tasks())) == (None, 1)

    @in_a_loop
    async def test_reloads_do_not_put_a_rotation_off(self) -> None:
        async with started(Secrets(VAULT), rotating()) as known:
            due = known._due
            (await known.renew(Secrets({"ann": "chalk"}), rotating(length=9)))()
            assert known._due == due
            (await known.renew(Secrets({"ann": "chalk"}), rotating(NEVER / 2)))()
            assert known._due < due

    @in_a_loop
    async def test_what_was_rotated_meanwhile_is_not_taken_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with started(Secrets(VAULT), rotating(SOON)) as known:
            before = known.shown("ann")
            going_on, derive = asyncio.Event(), known._measured

            async def slowly(secrets: dict[str, str]) -> object:
                if before in secrets.values():
                    await going_on.wait()
                return await derive(secrets)

            monkeypatch.setattr(known, "_measured", slowly)
            renewing = asyncio.create_task(known.renew(Secrets({**VAULT, "eve": "slate"}), rotating()))
            await until(lambda: known.shown("ann") != before)
            monkeypatch.undo()
            known._pause()
            rotated = known.shown("ann")
            going_on.set()
            (await renewing)()
            assert known.shown("ann") == rotated
            assert rotated
            assert lets_in(known, "ann", rotated)


class TestMadeUp:
    def test_every_character_is_equally_likely(self) -> None:
        """With every byte equally often: 256 is no multiple of 94, and the rest is left out."""
        stream = itertools.cycle(range(256))
        password = made_up(94 * 20, lambda length: bytes(itertools.islice(stream, length)))
        assert set(Counter(password).values()) == {20}
        assert set(password.encode()) == set(PRINTABLE)

    @pytest.mark.parametrize("length", [8, 8192])
    def test_it_is_as_long_as_was_asked(self, length: int) -> None:
        password = made_up(length, os.urandom)
        assert (len(password), password.isascii(), password.isprintable(), " " in password) == (
            length,
            True,
            True,
            False,
        )

    def test_bytes_that_do_not_fit_are_replaced(self) -> None:
        draws = iter([bytes([255] * 8), bytes(range(8))])
        assert made_up(8, lambda _: next(draws)) == "!\"#$%&'("
