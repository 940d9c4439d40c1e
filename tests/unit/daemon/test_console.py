from __future__ import annotations

import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agroal.auth.scram import ClientExchange
from agroal.config.model import HbaLine, HbaType, Method, Name, Scope
from agroal.daemon import console
from agroal.daemon.console import resident
from agroal.daemon.daemon import Daemon
from agroal.daemon.files import Secrets
from agroal.daemon.picture import picture
from agroal.daemon.reload import Reload
from agroal.net.dial import Address
from tests.unit.daemon.running import EVERYBODY, configuration, connect, running
from tests.unit.looping import in_a_loop, until
from tests.unit.script import read
from tests.unit.wire.messages import TERMINATE, authentication, message, startup

NOWHERE = Address("pg", "/nonexistent", 5432)
SECRETS = Secrets({"ann": "pencil"}, admins={"ops": "a-Word-1", "eye": "a-Word-2"})
SCRAM = b"SCRAM-SHA-256"
ROOT_CAUSE = message("Q", b"KILL_CLIENT 99\0")


@asynccontextmanager
async def daemon(directory: Path, secrets: Secrets = SECRETS, **settings: object) -> AsyncIterator[Daemon]:
    """It can't reach any PostgreSQL."""
    known = configuration(directory, NOWHERE, monitors="eye", **settings)
    async with running(known, secrets) as made:
        yield made


async def hear(client: socket.socket) -> tuple[str, bytes]:
    """The next message; its type is empty at the end."""
    head = await read(client, 5)
    if not head:
        return "", b""
    return chr(head[0]), await read(client, int.from_bytes(head[1:], "big") - 4)


async def hear_until(client: socket.socket, kind: str) -> list[tuple[str, bytes]]:
    heard = [await hear(client)]
    while heard[-1][0] not in (kind, ""):
        heard.append(await hear(client))
    return heard


def sqlstate(body: bytes) -> str:
    return next(field[1:].decode() for field in body.split(b"\0") if field[:1] == b"C")


def enter(daemon: Daemon, user: str, database: str = "agroal", *, unix: bool = False) -> socket.socket:
    client = connect(daemon, unix=unix)
    client.sendall(startup("user", user, "database", database))
    return client


async def log_in(daemon: Daemon, user: str, password: str, database: str = "agroal") -> tuple[socket.socket, str]:
    """A client that has answered all questions; and the type, or the SQLSTATE, of what follows."""
    client = enter(daemon, user, database)
    kind, body = await hear(client)
    if kind == "E":
        return client, sqlstate(body)
    assert (kind, body) == ("R", struct.pack("!I", 10) + SCRAM + b"\0\0")
    exchange = ClientExchange(password, "nonce")
    first = exchange.first()
    client.sendall(message("p", SCRAM + b"\0" + struct.pack("!I", len(first)) + first))
    _, body = await hear(client)
    client.sendall(message("p", exchange.final(body[4:])))
    kind, body = await hear(client)
    if kind == "E":
        return client, sqlstate(body)
    exchange.verify(body[4:])
    return client, (await hear_until(client, "Z"))[-1][0]


def line(method: Method, *databases: str) -> HbaLine:
    names = tuple(map(Name, databases)) or EVERYBODY
    return HbaLine("agroal_hba.conf", 1, HbaType.HOST, names, EVERYBODY, Scope.ALL, method)


def ruled(daemon: Daemon, *lines: HbaLine) -> None:
    daemon.configuration = replace(daemon.configuration, hba=lines)


@pytest.mark.parametrize("database", ["agroal", "pgbouncer"])
@in_a_loop
async def test_an_admin_comes_in_by_scram_even_where_clients_are_trusted(socket_dir: Path, database: str) -> None:
    async with daemon(socket_dir) as made:
        client, came = await log_in(made, "ops", "a-Word-1", database)
        with client:
            assert came == "Z"
            client.sendall(message("Q", b"SELECT 1\0"))
            assert [kind for kind, _ in await hear_until(client, "Z")] == ["T", "D", "C", "Z"]
            [seen] = picture(made).clients
            assert (seen.state, seen.database, seen.slot) == ("idle", database, None)
            assert (len(made.consoles), made.totals.authenticated) == (1, 1)
            client.sendall(TERMINATE)
            assert await hear(client) == ("", b"")
        assert (len(made.consoles), len(made.cancels), picture(made).slots) == (0, 0, ())


@pytest.mark.parametrize(("user", "password"), [("ops", "a-Word-2"), ("nobody", "a-Word-1"), ("ann", "pencil")])
@in_a_loop
async def test_who_is_no_admin_fails_where_a_wrong_password_does(socket_dir: Path, user: str, password: str) -> None:
    async with daemon(socket_dir) as made:
        client, came = await log_in(made, user, password)
        client.close()
        assert came == "28P01"
        await until(lambda: made.totals.rejected)


@in_a_loop
async def test_guesses_are_slowed_down(socket_dir: Path) -> None:
    async with daemon(socket_dir) as made:
        came = []
        for _ in range(6):
            client, told = await log_in(made, "ops", "guessed")
            client.close()
            came.append(told)
        assert came == [*["28P01"] * 4, *["53300"] * 2]


@pytest.mark.parametrize(
    ("lines", "came"),
    [
        ([line(Method.PASSWORD)], "Z"),
        ([line(Method.TRUST, "pgbouncer")], "Z"),
        ([line(Method.SCRAM_SHA_256, "admin")], "Z"),
        ([line(Method.REJECT, "pgbouncer"), line(Method.TRUST)], "28000"),
        ([line(Method.TRUST, "shop")], "28000"),
        ([line(Method.CERT)], "28000"),
        ([], "28000"),
    ],
)
@in_a_loop
async def test_the_hba_file_is_asked_with_the_name_of_the_console(
    socket_dir: Path, lines: list[HbaLine], came: str
) -> None:
    async with daemon(socket_dir) as made:
        ruled(made, *lines)
        client, told = await log_in(made, "ops", "a-Word-1", "pgbouncer")
        client.close()
        assert told == came


@in_a_loop
async def test_the_daemons_own_user_comes_in_without_a_password_and_under_any_name(socket_dir: Path) -> None:
    async with daemon(socket_dir, Secrets()) as made:
        with enter(made, "whoever", "pgbouncer", unix=True) as client:
            heard = await hear_until(client, "Z")
            assert heard[0] == ("R", authentication(0)[5:])
            assert ("S", b"is_superuser\0on\0") in heard
            client.sendall(ROOT_CAUSE)
            heard = await hear_until(client, "Z")
            assert sqlstate(heard[0][1]) == "55000"


@in_a_loop
async def test_another_user_of_this_machine_does_not(socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console.os, "getuid", lambda: os.geteuid() + 1)
    async with daemon(socket_dir) as made:
        with enter(made, "ops", unix=True) as client:
            assert await hear(client) == ("R", struct.pack("!I", 10) + SCRAM + b"\0\0")


@pytest.mark.parametrize("database", ["agroal", "pgbouncer"])
@in_a_loop
async def test_without_admins_the_names_are_those_of_databases(socket_dir: Path, database: str) -> None:
    async with daemon(socket_dir, Secrets({"ann": "pencil"})) as made:
        with enter(made, "ann", database) as client:
            heard = await hear_until(client, "E")
            assert sqlstate(heard[-1][1]) == "08001", "it is PostgreSQL that was asked"


@in_a_loop
async def test_nor_do_they_mean_the_same_ever_after(socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with daemon(socket_dir, Secrets({"ann": "pencil"})) as made:
        for others in (True, False):
            with monkeypatch.context() as patch:
                if others:
                    patch.setattr(console.os, "getuid", lambda: os.geteuid() + 1)
                for _ in range(2):
                    with enter(made, "ann", unix=True) as client:
                        kind = (await hear_until(client, "E" if others else "Z"))[-1][0]
                        assert kind == ("E" if others else "Z"), "PostgreSQL's client, or ours"
        await renewed(made, SECRETS)
        client, came = await log_in(made, "ops", "a-Word-1")
        client.close()
        assert came == "Z"


@in_a_loop
async def test_other_databases_are_no_console(socket_dir: Path) -> None:
    async with daemon(socket_dir) as made:
        with enter(made, "ann", "agroal2", unix=True) as client:
            heard = await hear_until(client, "E")
            assert sqlstate(heard[-1][1]) == "08001"


@in_a_loop
async def test_it_is_there_when_there_is_no_room_and_while_agroal_stops(socket_dir: Path) -> None:
    async with daemon(socket_dir) as made:
        made.max_clients = 0
        first, came = await log_in(made, "ops", "a-Word-1")
        assert came == "Z"
        made.max_clients = 10
        waits, _ = await log_in(made, "eye", "a-Word-2")
        with first, waits, connect(made) as undecided:
            await until(lambda: len(made.sessions) == 3)
            made.stop.gracefully(0)
            late, came = await log_in(made, "eye", "a-Word-2")
            late.close()
            assert came == "Z"
            assert not made.stop.asked_for.done(), "somebody who is no admin is still there"
            undecided.close()
            await until(lambda: made.stop.asked_for.done())
            assert [sqlstate(body) for kind, body in await hear_until(first, "E") if kind == "E"] == ["57P01"]


@in_a_loop
async def test_a_role_is_what_it_is_at_this_moment(socket_dir: Path) -> None:
    async with daemon(socket_dir) as made:
        client, _ = await log_in(made, "ops", "a-Word-1")
        with client:
            await renewed(made, SECRETS, monitors="ops")
            client.sendall(message("Q", b"RELOAD\0"))
            assert sqlstate((await hear_until(client, "Z"))[0][1]) == "42501"
            await renewed(made, Secrets(admins={"ops": "another-Word-1"}))
            client.sendall(message("Q", b"SHOW POOLS\0"))
            [(kind, body), end] = await hear_until(client, "")
            assert (kind, sqlstate(body), end) == ("E", "57P01", ("", b""))


async def renewed(made: Daemon, secrets: Secrets, **settings: object) -> None:
    """As a reload does it."""
    assert isinstance(made.reload, Reload)
    (await made.admins.renew(secrets, replace(made.settings, **settings)))()  # type: ignore[arg-type]


@in_a_loop
async def test_who_is_refused_and_who_is_obeyed_is_written_down(
    socket_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with daemon(socket_dir) as made:
        client, _ = await log_in(made, "eye", "a-Word-2")
        with client:
            client.sendall(message("Q", b"PAUSE\0"))
            await hear_until(client, "Z")
        admin, _ = await log_in(made, "ops", "a-Word-1")
        with admin:
            admin.sendall(message("Q", b"DISABLE shop\0"))
            await hear_until(admin, "Z")
        [refused] = [record.getMessage() for record in caplog.records if record.name == "agroal.console"]
        assert refused.startswith("eye at the console, 127.0.0.1:")
        assert ": pause: forbidden: " in refused
        [event] = [event.text for event in made.events.after(0) if event.kind == "command"]
        assert event.startswith("ops at the console, 127.0.0.1:")
        assert event.endswith(": disable shop")


@in_a_loop
async def test_a_cancel_key_is_no_longer_good_than_its_client(socket_dir: Path) -> None:
    async with daemon(socket_dir) as made:
        with enter(made, "me", unix=True) as client:
            heard = await hear_until(client, "Z")
            [key] = [body for kind, body in heard if kind == "K"]
            assert len(made.cancels) == 1
            with connect(made) as other:
                other.sendall(struct.pack("!II", 8 + len(key), 80877102) + key)
                assert await hear(other) == ("", b"")
            client.sendall(message("Q", b"SELECT 1\0"))
            assert (await hear_until(client, "Z"))[-1][0] == "Z", "there was nothing to cancel"
        await until(lambda: not made.sessions)
        assert len(made.cancels) == 0


@in_a_loop
async def test_what_breaks_the_protocol_is_told_why_it_ends(socket_dir: Path) -> None:
    async with daemon(socket_dir) as made:
        with enter(made, "me", unix=True) as client:
            await hear_until(client, "Z")
            client.sendall(message("R"))
            kind, body = await hear(client)
            assert (kind, sqlstate(body)) == ("E", "08P01")
            assert await hear(client) == ("", b"")


@in_a_loop
async def test_replication_is_refused(socket_dir: Path) -> None:
    async with daemon(socket_dir) as made:
        with connect(made, unix=True) as client:
            client.sendall(startup("user", "me", "database", "agroal", "replication", "database"))
            kind, body = await hear(client)
            assert (kind, sqlstate(body)) == ("E", "0A000")


def test_the_process_is_some_megabytes_large() -> None:
    assert 1_000_000 < resident() < 100_000_000_000
