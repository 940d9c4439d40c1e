"""`auth_query` over connections to a PostgreSQL that keeps to its scripts."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest

from agroal.auth.login import Credentials, login
from agroal.auth.lookup import QUERY, STARTUP
from agroal.auth.scram import Verifier
from agroal.daemon import lookup as module
from agroal.daemon.lookup import REMEMBERED_SECONDS, Lookup
from agroal.errors import LookupFailed, ServerUnreachable
from agroal.net.dial import dial
from agroal.net.listen import SocketOptions
from agroal.net.server import Server
from agroal.wire import frontend
from tests.unit.looping import in_a_loop, pumping, settle, until
from tests.unit.postgres import greeting, postgres
from tests.unit.script import Script
from tests.unit.wire.messages import READY, TERMINATE, error, message, startup

PENCIL, CRAYON = (Verifier.derive(password, bytes(16), 1).format() for password in ("pencil", "crayon"))
LOGIN = (
    Script()
    << startup("user", "root", "database", "postgres", *(text for pair in STARTUP.items() for text in pair))
    >> greeting()
)


def answer(secret: str | None) -> bytes:
    row = message("D", struct.pack("!Hi", 1, len(secret)) + secret.encode()) if secret else b""
    return message("1") + message("2") + row + message("C", b"SELECT\0") + READY


def question(user: str) -> Script:
    return Script() << frontend.extended_query(QUERY, [user])


def exchange(user: str, secret: str | None) -> Script:
    return question(user) >> answer(secret)


class Asking:
    """A Lookup, its clock and its connects."""

    def __init__(self, connect: Callable[[], Awaitable[Server]], seconds: float) -> None:
        self._connect = connect
        self.connects = 0
        self.servers: list[Server] = []
        self.failures: list[Exception] = []
        """What becomes of the next connects, instead."""
        self.clock = 100.0
        self.may_connect = asyncio.Event()
        self.may_connect.set()
        self.lookup = Lookup(self.connect, seconds, lambda: self.clock)

    async def connect(self) -> Server:
        self.connects += 1
        await self.may_connect.wait()
        if self.failures:
            raise self.failures.pop(0)
        server = await self._connect()
        self.servers.append(server)
        return server

    def ask(self, user: str) -> asyncio.Task[str | None]:
        return asyncio.create_task(self.lookup.secret_of(user))


@asynccontextmanager
async def asking(*scripts: Script, seconds: float = 2.0) -> AsyncIterator[Asking]:
    """PostgreSQL plays each script to one connection, after the login; in the end the last is taken leave of."""
    credentials = Credentials("root", None, "nonce", {})
    async with pumping() as pump, postgres(*(LOGIN + script for script in scripts), hangs_up=True) as address:
        log_in = lambda _: login("postgres", credentials, STARTUP)  # noqa: E731
        at = Asking(partial(dial, pump, address, SocketOptions(), log_in, 2.0), seconds)
        try:
            yield at
        finally:
            await at.lookup.close()
        assert at.lookup._asked == {}


async def refused(task: asyncio.Task[str | None]) -> LookupFailed:
    with pytest.raises(LookupFailed) as refusal:
        await task
    return refusal.value


class TestAnswers:
    @pytest.mark.parametrize("secret", [PENCIL, None])
    @in_a_loop
    async def test_one_is_good_for_a_short_while(self, secret: str | None) -> None:
        script = exchange("eve", secret) + exchange("eve", CRAYON) << TERMINATE
        async with asking(script) as at:
            assert await at.ask("eve") == secret
            at.clock += REMEMBERED_SECONDS - 0.01
            assert await at.ask("eve") == secret, "it is remembered, also that there is none"
            at.clock += 0.01
            assert await at.ask("eve") == CRAYON
            assert at.connects == 1

    @in_a_loop
    async def test_many_who_ask_for_one_user_at_once_are_one_question(self) -> None:
        async with asking(exchange("eve", PENCIL) << TERMINATE) as at:
            assert await asyncio.gather(*(at.ask("eve") for _ in range(50))) == [PENCIL] * 50

    @in_a_loop
    async def test_questions_about_several_users_come_one_after_the_other_on_one_connection(self) -> None:
        script = exchange("eve", PENCIL) + exchange("mallory", None) + exchange("bob", CRAYON) << TERMINATE
        async with asking(script) as at:
            tasks = [at.ask(user) for user in ("eve", "mallory", "bob")]
            assert await asyncio.gather(*tasks) == [PENCIL, None, CRAYON]
            assert at.connects == 1

    @in_a_loop
    async def test_only_so_many_users_are_remembered_and_the_oldest_are_forgotten(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "REMEMBERED", 2)
        users = ("a", "b", "c", "c", "b", "a")
        asked = ("a", "b", "c", "a")
        script = Script()
        for user in asked:
            script += exchange(user, PENCIL)
        async with asking(script << TERMINATE) as at:
            for user in users:
                assert await at.ask(user) == PENCIL
            assert len(at.lookup._known) == 2

    @pytest.mark.parametrize("user", ["x" * 64, "é" * 32, "\udcff" * 64])
    @in_a_loop
    async def test_a_name_that_postgresql_would_cut_is_nobodys(self, user: str) -> None:
        async with asking() as at:
            assert await at.ask(user) is None
            assert at.connects == 0

    @pytest.mark.parametrize("user", ["x" * 63, "é" * 31, "\udcff" * 63])
    @in_a_loop
    async def test_the_longest_name_is_asked_for(self, user: str) -> None:
        async with asking(exchange(user, PENCIL) << TERMINATE) as at:
            assert await at.ask(user) == PENCIL


class TestConnections:
    @in_a_loop
    async def test_one_that_was_closed_meanwhile_is_replaced(self) -> None:
        async with asking(exchange("eve", PENCIL), exchange("bob", CRAYON) << TERMINATE) as at:
            assert await at.ask("eve") == PENCIL
            server = at.lookup._server
            assert server
            await until(lambda: server.channel.peek() == b"")
            assert await at.ask("bob") == CRAYON
            assert (at.connects, server.channel.closed) == (2, True)

    @in_a_loop
    async def test_one_that_breaks_in_the_middle_refuses_who_asked_and_the_next_gets_a_new_one(self) -> None:
        async with asking(question("eve"), exchange("eve", PENCIL) << TERMINATE) as at:
            await refused(at.ask("eve"))
            assert await at.ask("eve") == PENCIL, "that it failed is not remembered"
            assert at.connects == 2

    @in_a_loop
    async def test_one_that_says_more_than_it_was_asked_is_not_believed(self) -> None:
        said_more = exchange("eve", PENCIL) >> answer(CRAYON)
        async with asking(said_more, exchange("eve", CRAYON) << TERMINATE) as at:
            await refused(at.ask("eve"))
            assert await at.ask("eve") == CRAYON


class TestFailures:
    @pytest.mark.parametrize(
        ("said", "why"),
        [
            (error("SERROR", "C42501", "Mpermission denied for table pg_authid"), "permission denied for table"),
            (message("D", b"\0\2") + READY, "malformed DataRow"),
            (message("1") + message("Z", b"T"), "unexpected message type"),
        ],
    )
    @in_a_loop
    async def test_the_log_says_why_and_the_client_is_told_nothing(
        self, said: bytes, why: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with asking(question("eve") >> said) as at:
            refusal = await refused(at.ask("eve"))
        assert refusal.fields() == {
            "S": "FATAL",
            "V": "FATAL",
            "C": "57P03",
            "M": "authentication is not possible at the moment",
        }
        (line,) = caplog.messages
        assert line.startswith("auth_query for user=eve failed: ")
        assert why in line

    @in_a_loop
    async def test_a_server_that_can_not_be_reached_refuses_everybody_who_asked(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with asking(exchange("eve", PENCIL) << TERMINATE) as at:
            at.failures = [ServerUnreachable("could not connect to server")]
            tasks = [at.ask("eve") for _ in range(3)]
            for task in tasks:
                await refused(task)
            assert await at.ask("eve") == PENCIL
        assert caplog.messages == ["auth_query for user=eve failed: could not connect to server"]

    @in_a_loop
    async def test_no_answer_in_time(self, caplog: pytest.LogCaptureFixture) -> None:
        async with asking(exchange("eve", PENCIL) << TERMINATE, seconds=0.05) as at:
            at.may_connect.clear()
            await refused(at.ask("eve"))
            at.may_connect.set()
            assert await at.ask("eve") == PENCIL
        assert caplog.messages == ["auth_query for user=eve failed: no answer in time"]

    @in_a_loop
    async def test_no_secret_is_in_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG):
            async with asking(exchange("eve", PENCIL) + question("bob")) as at:
                assert await at.ask("eve") == PENCIL
                await refused(at.ask("bob"))
        assert PENCIL not in caplog.text


class TestWhoLeaves:
    @in_a_loop
    async def test_one_who_gives_up_does_not_take_the_answer_from_the_others(self) -> None:
        async with asking(exchange("eve", PENCIL) << TERMINATE) as at:
            at.may_connect.clear()
            first, second = at.ask("eve"), at.ask("eve")
            await settle()
            first.cancel()
            await settle()
            assert first.cancelled()
            at.may_connect.set()
            assert await second == PENCIL

    @in_a_loop
    async def test_a_failure_that_nobody_waits_for_is_no_accident(self) -> None:
        """The loop would say that it was never retrieved."""
        async with asking() as at:
            at.may_connect.clear()
            at.failures = [ServerUnreachable("could not connect to server")]
            only = at.ask("eve")
            await settle()
            only.cancel()
            await settle()
            at.may_connect.set()
            await until(lambda: not at.lookup._asked)


class TestEnd:
    @in_a_loop
    async def test_who_waits_when_it_ends_is_refused_and_not_cancelled(self) -> None:
        async with asking() as at:
            at.may_connect.clear()
            tasks = [at.ask("eve"), at.ask("eve"), at.ask("bob")]
            await settle()
            await at.lookup.close()
            for task in tasks:
                await refused(task)
                assert not task.cancelled()

    @in_a_loop
    async def test_who_is_cancelled_at_that_moment_is_cancelled(self) -> None:
        async with asking() as at:
            at.may_connect.clear()
            task = at.ask("eve")
            await settle()
            task.cancel()
            await at.lookup.close()
            await asyncio.wait([task])
            assert task.cancelled()

    @in_a_loop
    async def test_a_connection_that_is_in_use_is_closed(self) -> None:
        async with asking(question("eve")) as at:
            task = at.ask("eve")
            await until(lambda: at.servers)
            await at.lookup.close()
            await refused(task)
            assert at.servers[0].channel.closed

    @in_a_loop
    async def test_without_a_connection_there_is_nothing_to_close(self) -> None:
        async with asking() as at:
            await at.lookup.close()
            assert at.connects == 0


class TestPauses:
    @in_a_loop
    async def test_the_connection_is_closed_and_who_asks_meanwhile_waits(self) -> None:
        parted: list[bool] = []
        async with asking(exchange("eve", PENCIL) << TERMINATE, exchange("bob", CRAYON) << TERMINATE) as at:
            assert await at.ask("eve") == PENCIL
            at.lookup.is_open = False
            at.lookup.part(lambda: parted.append(True))
            assert len(at.lookup.partings) == 1
            await until(lambda: parted)
            assert not at.lookup.partings
            assert await at.ask("eve") == PENCIL, "what is known need not be asked"
            task = at.ask("bob")
            await settle()
            assert (task.done(), at.connects) == (False, 1)
            at.lookup.is_open = True
            assert await task == CRAYON
            assert at.connects == 2

    @in_a_loop
    async def test_a_question_under_way_is_finished_before_and_those_behind_it_wait(self) -> None:
        async with asking(exchange("eve", PENCIL) << TERMINATE, exchange("bob", CRAYON) << TERMINATE) as at:
            at.may_connect.clear()
            first, second = at.ask("eve"), at.ask("bob")
            await until(lambda: at.connects)
            at.lookup.is_open = False
            at.lookup.part(lambda: None)
            at.may_connect.set()
            assert await first == PENCIL
            await until(lambda: not at.lookup.partings)
            assert (second.done(), at.connects) == (False, 1)
            at.lookup.is_open = True
            assert await second == CRAYON

    @in_a_loop
    async def test_nobody_waits_for_longer_than_for_an_answer(self) -> None:
        async with asking(seconds=0.01) as at:
            at.lookup.is_open = False
            assert isinstance(await refused(at.ask("eve")), LookupFailed)
