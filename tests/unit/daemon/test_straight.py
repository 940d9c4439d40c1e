"""Sessions for which nothing has to be waited for but their clients."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from agroal.config.model import Method
from agroal.daemon import straight
from agroal.daemon.state import State
from agroal.errors import TooManyClients
from tests.unit.daemon.lobby import ANSWER, QUERY, STARTUP, WELCOME, Lobby, let_in, lobby, served, told
from tests.unit.looping import in_a_loop, settle, until
from tests.unit.net.pairs import received
from tests.unit.script import Script, play, read
from tests.unit.wire.messages import TERMINATE, message, parameter, startup


async def visit(at: Lobby, startup: bytes = STARTUP) -> None:
    """A client comes, finds or leaves a free server, and goes."""
    client = at.enter()
    number = len(at.sessions)
    await play(Script() >> startup << let_in(number) + WELCOME >> TERMINATE, client)
    await at.lives[-1]


def nothing_is_parsed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(straight, "Dialogue", None)


class TestServing:
    @in_a_loop
    async def test_where_a_server_is_free_there_is_never_a_task(self) -> None:
        async with lobby() as at:
            await visit(at)
            before = len(asyncio.all_tasks())
            client = at.enter()
            await play(Script() >> STARTUP << let_in(2) + WELCOME >> QUERY, client)
            server = at.on.dialler.peers[1]
            await play(Script() << QUERY >> ANSWER, server)
            assert await read(client, len(ANSWER)) == ANSWER
            assert (at.sessions[1].state, len(asyncio.all_tasks())) == (State.ACTIVE, before)
            client.send(TERMINATE)
            await at.lives[1]
            assert client.recv(1) == b""
            assert at.sessions[1].state is State.CLOSING
            assert (at.sessions[1].traffic.queries, len(at.daemon.cancels)) == (1, 0)
            assert at.on.states() == ["free"]

    @pytest.mark.parametrize("waits", [False, True], ids=["with the words", "before them"])
    @in_a_loop
    async def test_the_same_words_are_not_parsed_again(self, waits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        async with lobby() as at:
            await visit(at)
            nothing_is_parsed(monkeypatch)
            client = at.enter()
            if waits:
                await settle()
            await play(Script(((">>", STARTUP), ("<<", let_in(2) + WELCOME), (">>", TERMINATE))), client)
            await at.lives[1]

    @in_a_loop
    async def test_nothing_of_it_is_left_for_the_garbage_collector(self) -> None:
        async with lobby() as at:
            await visit(at)
            gc.collect()
            gc.disable()
            try:
                await visit(at)
                left = [weakref.ref(at.sessions[-1]), weakref.ref(at.sessions[-1].link)]
                at.sessions.clear()
                assert [ref() for ref in left] == [None, None]
            finally:
                gc.enable()

    @pytest.mark.parametrize("change", ["no line", "another line", "users"])
    @in_a_loop
    async def test_what_was_decided_holds_only_as_long_as_it_would_be_decided_so(self, change: str) -> None:
        async with lobby() as at:
            at.configure(allow_unknown_users=False)
            await visit(at)
            match change:
                case "no line":
                    at.daemon.method = None
                case "another line":
                    at.daemon.method = Method.SCRAM_SHA_256
                case "users":
                    at.daemon.passwords.users = at.daemon.passwords.measure({})
            client = at.enter()
            client.send(STARTUP)
            await settle()
            said = received(client)
            assert said[:1] == (b"R" if change == "another line" else b"E")
            client.close()

    @pytest.mark.parametrize("against", ["stopping", "is_crowded"])
    @in_a_loop
    async def test_who_is_known_is_not_let_in_where_nobody_is(
        self, against: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with lobby() as at:
            await visit(at)
            monkeypatch.setattr(at.daemon, "crowded", lambda: TooManyClients("too many clients"), raising=False)
            setattr(at.daemon, against, True)
            client = at.enter()
            client.send(STARTUP)
            await at.lives[1]
            assert received(client)[:1] == b"E"

    @in_a_loop
    async def test_words_with_something_behind_them_are_parsed(self) -> None:
        async with lobby() as at:
            await visit(at)
            client = at.enter()
            await play(Script() >> STARTUP + QUERY << let_in(2) + WELCOME, client)
            await play(Script() << QUERY >> ANSWER, at.on.dialler.peers[1])
            await play(Script() << ANSWER >> TERMINATE, client)

    @in_a_loop
    async def test_a_server_that_lacks_a_setting_gets_it_in_a_task(self) -> None:
        async with lobby() as at:
            await visit(at)
            client = at.enter()
            client.send(startup("user", "ann", "database", "shop", "application_name", "other"))
            server = at.on.dialler.peers[1]
            await until(lambda: received(server))
            done = message("1") + message("2") + message("D", b"\0\0") + message("C", b"SELECT 1\0") + message("3")
            server.send(parameter("application_name", "other") + done + message("Z", b"I"))
            said = let_in(2) + parameter("application_name", "other") + message("Z", b"I")
            assert await read(client, len(said)) == said
            client.close()

    @in_a_loop
    async def test_a_server_that_has_gone_meanwhile_is_nobodys(self) -> None:
        async with lobby() as at:
            await visit(at)
            at.on.dialler.peers[1].close()
            await visit(at)
            assert list(at.on.dialler.peers) == [1, 2]

    @in_a_loop
    async def test_who_has_to_wait_for_a_server_and_leaves_at_once_leaves_once(self) -> None:
        async with lobby(max_connections=1) as at:
            first, _ = await at.serve()
            for _ in range(2):
                client = at.enter()
                await settle()
                client.send(STARTUP)
                at.on.pump.turn()
                client.close()
                at.on.pump.turn()
                await at.lives[-1]
            first.close()

    @in_a_loop
    async def test_a_client_that_leaves_before_it_is_welcomed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with lobby() as at:
            await visit(at)
            client = at.enter()
            client.send(STARTUP)
            client.close()
            await at.lives[1]
            await until(lambda: at.on.states() == ["free"])

    @pytest.mark.parametrize(
        "broken", ["straight.wears", "straight.came", "regulars.Regulars.recognise", "session.Session.join"]
    )
    @in_a_loop
    async def test_a_mistake_of_ours_costs_no_server(
        self, broken: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with lobby() as at:
            await visit(at)
            monkeypatch.setattr(f"agroal.daemon.{broken}", None)
            client = at.enter()
            client.send(STARTUP)
            await at.lives[1]
            assert told(client)["C"] == "XX000"
            await until(lambda: at.on.states() == ["free"])
        assert "internal error" in caplog.text


class TestInterruptions:
    @pytest.mark.parametrize("said", [b"", STARTUP[:-1]], ids=["silent", "in the middle of its words"])
    @in_a_loop
    async def test_a_client_is_told_why_it_has_to_go(self, said: bytes) -> None:
        async with lobby() as at:
            client = at.enter()
            client.send(said)
            await settle()
            at.sessions[0].terminate()
            at.sessions[0].terminate()
            await at.lives[0]
            assert told(client)["C"] == "57P01"

    @in_a_loop
    async def test_also_while_it_is_served(self) -> None:
        async with lobby() as at:
            await visit(at)
            client = at.enter()
            await play(served(2), client)
            at.sessions[1].terminate()
            assert at.sessions[1].state is State.ACTIVE
            at.sessions[1].terminate()
            await at.lives[1]
            assert told(client)["C"] == "57P01"
            await until(lambda: at.on.states() == ["free"])

    @pytest.mark.parametrize("said", [b"", STARTUP[:-1]])
    @in_a_loop
    async def test_the_time_to_say_who_it_is_begins_when_it_comes(self, said: bytes) -> None:
        async with lobby() as at:
            at.configure(authentication_timeout=0.02)
            client = at.enter()
            await settle()
            client.send(said)
            await at.lives[0]
            assert received(client).endswith(b"Mcanceling authentication due to timeout\0\0")
