from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from agroal.auth.users import Users
from agroal.config.model import Settings
from agroal.daemon.admins import Admins
from agroal.daemon.files import Secrets
from agroal.management.controls import Role
from tests.unit.looping import in_a_loop

SETTINGS = Settings(host="*", port=2345, unix_socket_dir=Path("/tmp"))
FILE = {"root": "slate", "eye": "chalk"}


def watched_by(monitors: str) -> Settings:
    return replace(SETTINGS, monitors=monitors)


def admins(secrets: dict[str, str], monitors: str = "") -> Admins:
    return Admins(Secrets(admins=secrets), watched_by(monitors), os.urandom)


@pytest.mark.parametrize("monitors", ["eye", " eye ,", "root2,eye"])
def test_monitors_may_look_and_the_others_may_everything(monitors: str) -> None:
    known = admins(FILE, monitors)
    assert (known.role("root"), known.role("eye")) == (Role.ADMIN, Role.MONITOR)


def test_who_is_not_in_the_file_may_nothing_even_if_named_as_monitor() -> None:
    known = admins(FILE, "eve")
    assert known.role("eve") is None
    assert known.secret("eve") is None
    assert known.role("") is None


def test_what_an_admin_has_to_know_is_in_the_file() -> None:
    known = admins(FILE)
    secret = known.secret("root")
    assert secret
    assert secret.password == "slate"
    assert known.users.accepts_password("root", "slate")
    assert not known.users.accepts_password("root", "chalk")


def test_users_of_the_vault_are_no_admins() -> None:
    known = Admins(Secrets({"ann": "pencil"}, {"ann": "chalk"}, {"pg": "slate"}), SETTINGS, os.urandom)
    assert not known.users


@in_a_loop
async def test_others_are_in_force_when_they_are_taken_and_not_before() -> None:
    known = admins(FILE, "eye")
    take = await known.renew(Secrets(admins={"root": "flint", "new": "clay"}), watched_by("new"))
    assert known.users.accepts_password("root", "slate")
    assert known.role("new") is None
    take()
    assert known.users.accepts_password("root", "flint")
    assert (known.role("new"), known.role("eye")) == (Role.MONITOR, None)


@in_a_loop
async def test_monitors_change_without_deriving_anything() -> None:
    known = admins(FILE, "eye")
    users = known.users
    (await known.renew(Secrets(admins=dict(FILE)), watched_by("root")))()
    assert known.users is users
    assert (known.role("root"), known.role("eye")) == (Role.MONITOR, Role.ADMIN)


@in_a_loop
async def test_keys_are_derived_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    known = admins(FILE)
    threads = []

    def derive(secrets: dict[str, str], key: bytes) -> Users:
        threads.append(threading.current_thread())
        return Users(secrets, key)

    monkeypatch.setattr("agroal.daemon.admins.Users", derive)
    (await known.renew(Secrets(admins={"root": "flint"}), SETTINGS))()
    assert threads != [threading.current_thread()]
    assert len(threads) == 1


@in_a_loop
async def test_a_stranger_is_challenged_alike_before_and_after() -> None:
    known = admins(FILE)
    before = known.users.challenge("eve")
    (await known.renew(Secrets(admins={"root": "flint"}), SETTINGS))()
    assert known.users.challenge("eve") == before
