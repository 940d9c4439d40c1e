from __future__ import annotations

import asyncio
import struct

import pytest

from agroal.config.model import Method
from agroal.daemon.session import State
from agroal.pool.effects import CloseReason
from tests.unit.daemon.lobby import ANSWER, QUERY, STARTUP, WELCOME, Lobby, key, let_in, lobby, told
from tests.unit.looping import in_a_loop, settle, until
from tests.unit.net.pairs import received, waiting_for
from tests.unit.script import Script, play
from tests.unit.wire.messages import READY, TERMINATE, error, message, startup

pytestmark = pytest.mark.usefixtures("both_ways")


def cancel_request(number: int) -> bytes:
    return struct.pack("!II", 16, 80877102) + key(number)


def closes(at: Lobby) -> dict[CloseReason, int]:
    """Why connections have ended."""
    return dict(at.on.snapshot().totals.closes)


class TestWaiting:
    @in_a_loop
    async def test_a_client_that_has_to_wait_is_let_in_at_once_and_welcomed_later(self) -> None:
        async with lobby(max_connections=1) as at:
            first, _ = await at.serve()
            second = at.enter()
            await play(Script() >> STARTUP << let_in(2), second)
            assert at.sessions[1].state is State.WAITING
            assert at.sessions[1].serving is None
            first.send(TERMINATE)
            await play(Script() << WELCOME >> TERMINATE, second)

    @in_a_loop
    async def test_what_it_sends_ahead_is_the_first_to_cross(self) -> None:
        async with lobby(max_connections=1) as at:
            first, server = await at.serve()
            second = at.enter()
            await play(Script() >> STARTUP << let_in(2) >> QUERY, second)
            await settle()
            assert received(server) == b""
            first.close()
            await play(Script() << QUERY >> ANSWER, server)
            await play(Script() << WELCOME + ANSWER >> TERMINATE, second)

    @pytest.mark.parametrize("ahead", [b"", QUERY])
    @in_a_loop
    async def test_it_leaves_the_queue_when_it_hangs_up(self, ahead: bytes) -> None:
        async with lobby(max_connections=1) as at:
            first, _ = await at.serve()
            second = at.enter()
            await play(Script() >> STARTUP << let_in(2) >> ahead, second)
            second.close()
            await at.lives[1]
            assert at.on.shell.asking == {}
            assert at.on.states() == ["in-use"]
            first.close()

    @in_a_loop
    async def test_it_can_cancel_that(self) -> None:
        async with lobby(max_connections=1) as at:
            first, _ = await at.serve()
            second, third = at.enter(), at.enter()
            await play(Script() >> STARTUP << let_in(2), second)
            third.send(cancel_request(2))
            await asyncio.wait(at.lives[1:])
            assert told(second)["C"] == "57014"
            assert third.recv(1) == b"", "a cancel request has no answer"
            assert at.on.shell.asking == {}
            first.close()

    @in_a_loop
    async def test_a_client_that_postgresql_has_to_ask_is_told_nothing_before(self) -> None:
        async with lobby(max_connections=1) as at:
            first, _ = await at.serve()
            at.daemon.method = Method.ALL
            second = at.enter()
            second.send(startup("user", "eve"))
            await until(lambda: at.on.shell.asking)
            assert received(second) == b""
            second.close()
            first.close()


class TestCancelling:
    @in_a_loop
    async def test_a_key_that_is_nobodys_gets_no_answer(self) -> None:
        async with lobby() as at:
            client = at.enter()
            client.send(cancel_request(99))
            await at.everybody_gone()
            assert client.recv(1) == b""

    @in_a_loop
    async def test_the_connection_closes_when_the_signal_has_been_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with lobby() as at:
            sent = asyncio.Event()
            monkeypatch.setattr(at.daemon.cancels, "send", lambda _: asyncio.create_task(sent.wait()))
            client, _ = await at.serve()
            canceller = at.enter()
            canceller.send(cancel_request(1))
            await settle()
            assert not at.lives[1].done()
            sent.set()
            await at.lives[1]
            assert canceller.recv(1) == b""
            client.close()

    @in_a_loop
    async def test_a_signal_is_sent_although_the_one_who_asked_for_it_is_disconnected(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with lobby() as at:
            sent = asyncio.Event()
            carried = asyncio.create_task(sent.wait())
            monkeypatch.setattr(at.daemon.cancels, "send", lambda _: carried)
            client, _ = await at.serve()
            at.enter().send(cancel_request(1))
            await settle()
            at.sessions[1].terminate()
            await at.lives[1]
            assert not carried.done(), "the server is still waiting for the end of it"
            sent.set()
            await carried
            client.close()


class TestPreparing:
    """The server is given the settings of its client."""

    ASKED = startup("user", "ann", "database", "shop", "application_name", "psql", "TimeZone", "Mars")

    @staticmethod
    async def prepared(at: Lobby, answer: bytes) -> None:
        """Up to the server's answer."""
        await until(lambda: at.on.dialler.peers)
        server = at.on.dialler.peers[1]
        await until(lambda: waiting_for(server))
        await play(Script() >> answer, server)

    @in_a_loop
    async def test_the_client_is_welcomed_with_them(self) -> None:
        async with lobby() as at:
            client = at.enter()
            client.send(self.ASKED)
            done = message("S", b"TimeZone\0Mars\0") + message("D", b"\0\0") + message("C", b"SELECT 1\0") + READY
            await self.prepared(at, done)
            await play(
                Script() << let_in() + WELCOME[:-6] + message("S", b"TimeZone\0Mars\0") + READY >> TERMINATE, client
            )

    @in_a_loop
    async def test_a_refusal_ends_the_client_and_not_the_server(self) -> None:
        async with lobby() as at:
            client = at.enter()
            client.send(self.ASKED)
            await self.prepared(at, error("SERROR", "C22023", "Mno such time zone") + READY)
            await at.everybody_gone()
            await play(Script() << let_in(), client)
            assert told(client) == {"S": "FATAL", "V": "FATAL", "C": "22023", "M": "no such time zone"}
            await until(lambda: at.on.states() == ["free"])

    @pytest.mark.parametrize(
        "answer",
        [message("S", b"TimeZone") + READY, b"C\0\0\0\3", message("R", bytes(4)), message("Z", b"T"), READY + READY],
    )
    @in_a_loop
    async def test_an_answer_that_is_none_ends_both(self, answer: bytes) -> None:
        async with lobby() as at:
            client = at.enter()
            client.send(self.ASKED)
            await self.prepared(at, answer)
            await at.everybody_gone()
            await play(Script() << let_in(), client)
            assert told(client)["C"] == "08006"
            await settle()
            assert received(at.on.dialler.peers[1]).endswith(TERMINATE)
            assert at.on.states() == ["remove"]

    @in_a_loop
    async def test_a_server_that_hangs_up_is_lost(self) -> None:
        async with lobby() as at:
            client = at.enter()
            client.send(self.ASKED)
            await self.prepared(at, b"")
            at.on.dialler.peers[1].close()
            await at.everybody_gone()
            await play(Script() << let_in(), client)
            assert told(client)["C"] == "08006"
            await until(lambda: at.on.states() == [])
            assert closes(at) == {CloseReason.LOST: 1}

    @in_a_loop
    async def test_a_server_that_does_not_answer_is_left_in_time(self) -> None:
        async with lobby() as at:
            at.configure(connect_timeout=0.02)
            client = at.enter()
            client.send(self.ASKED)
            await at.everybody_gone()
            await play(Script() << let_in(), client)
            assert told(client)["M"] == "the server was lost while it was being prepared: no answer in time"

    @in_a_loop
    async def test_a_client_that_hangs_up_meanwhile_leaves_a_clean_server(self) -> None:
        async with lobby() as at:
            client = at.enter()
            client.send(self.ASKED)
            await until(lambda: at.on.dialler.peers)
            client.close()
            await self.prepared(at, message("D", b"\0\0") + message("C", b"SELECT 1\0") + READY)
            await at.everybody_gone()
            await until(lambda: at.on.states() == ["free"])
