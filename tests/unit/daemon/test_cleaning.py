from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from agroal.auth.login import Greeting
from agroal.daemon import cleaning
from agroal.daemon.cleaning import clean
from agroal.net.dial import Address, Server
from agroal.net.link import Link, Parting
from agroal.pipeline.ledger import Dirt
from agroal.wire.chosen import Tally
from tests.unit.looping import in_a_loop, pumping, settle
from tests.unit.net.pairs import channel, received
from tests.unit.script import Script, play
from tests.unit.wire.messages import IN_TRANSACTION, READY, error, message

QUERY = message("Q", b"SELECT 1\0")
DONE = message("C", b"SELECT 1\0") + READY
RESET = Script() << message("Q", b"DISCARD ALL\0")
ROLLBACK = Script() << message("Q", b"ROLLBACK\0") >> DONE


@dataclass
class Ended:
    """A server whose client has left, and what there is to say about the two."""

    peer: socket.socket
    server: Server
    link: Link
    interrupted: list[Server] = field(default_factory=list)
    cancelling: asyncio.Task[None] | None = None
    """What an interruption takes."""

    def clean(self, query: str = "DISCARD ALL", link: bool = True) -> asyncio.Task[Dirt | None]:
        return asyncio.create_task(clean(self.server, self.link if link else None, query, self.interrupt))

    def interrupt(self, server: Server) -> None:
        self.interrupted.append(server)
        if self.cancelling:
            server.cancels.add(self.cancelling)


@asynccontextmanager
async def ended(
    parting: Parting = Parting.TERMINATED, requests: bytes = b"", answers: bytes = b""
) -> AsyncIterator[Ended]:
    """A link on which this was said, and that ended so."""
    async with pumping() as pump:
        with channel(pump, "client") as (client, to_client), channel(pump, "server") as (peer, to_server):
            server = Server(to_server, Address("pg", "127.0.0.1", 5432), Greeting({}, 7, b""))
            link = Link(to_client, to_server, Tally(server.parameters))
            link.join()
            client.send(requests)
            await settle()
            peer.send(answers)
            await settle()
            link.part(parting)
            received(peer)
            yield Ended(peer, server, link)


class TestClean:
    @in_a_loop
    async def test_a_server_that_no_client_was_joined_to_is_reset(self) -> None:
        async with ended() as at:
            cleaning = at.clean(link=False)
            await play(RESET >> DONE, at.peer)
            assert await cleaning is None

    @pytest.mark.parametrize("parting", [Parting.TERMINATED, Parting.CLIENT_GONE])
    @in_a_loop
    async def test_a_server_that_has_answered_all_is_reset(self, parting: Parting) -> None:
        async with ended(parting, QUERY, DONE) as at:
            cleaning = at.clean()
            await play(RESET >> DONE, at.peer)
            assert await cleaning is None
            assert at.interrupted == []

    @in_a_loop
    async def test_what_a_client_asked_for_before_its_goodbye_is_finished_first(self) -> None:
        async with ended(Parting.TERMINATED, QUERY * 2) as at:
            cleaning = at.clean()
            at.peer.send(DONE + DONE[:9])
            await settle()
            assert received(at.peer) == b"", "nothing is said before all has been answered"
            at.peer.send(DONE[9:])
            await play(RESET >> DONE, at.peer)
            assert await cleaning is None
            assert at.interrupted == []

    @pytest.mark.parametrize("then", [b"", READY + b"R"], ids=["hangs up", "babbles"])
    @in_a_loop
    async def test_a_server_that_does_not_finish_is_not_used_again(self, then: bytes) -> None:
        async with ended(Parting.TERMINATED, QUERY) as at:
            cleaning = at.clean()
            at.peer.send(then + message("R", b"")) if then else at.peer.close()
            assert await cleaning is not None

    @in_a_loop
    async def test_a_server_that_takes_too_long_to_finish_is_interrupted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cleaning, "FINISH_TIMEOUT", 0.02)
        async with ended(Parting.TERMINATED, QUERY) as at:
            assert await at.clean() is Dirt.OWES_ANSWERS
            assert at.interrupted == [at.server]

    @in_a_loop
    async def test_a_transaction_that_was_left_open_is_rolled_back_first(self) -> None:
        async with ended(requests=QUERY, answers=message("C", b"BEGIN\0") + IN_TRANSACTION) as at:
            cleaning = at.clean()
            await play(ROLLBACK + RESET >> DONE, at.peer)
            assert await cleaning is None

    @in_a_loop
    async def test_without_a_reset_query_nothing_is_said_to_it(self) -> None:
        async with ended(Parting.TERMINATED, QUERY, DONE) as at:
            assert await at.clean("") is None
            assert received(at.peer) == b""

    @in_a_loop
    async def test_a_cancel_request_under_way_is_waited_for(self) -> None:
        """It must not hit the reset, let alone the next client."""
        async with ended() as at:
            answered = asyncio.Event()
            at.server.cancels.add(asyncio.create_task(answered.wait()))
            cleaning = at.clean()
            await settle()
            assert received(at.peer) == b""
            answered.set()
            await play(RESET >> DONE, at.peer)
            assert await cleaning is None


class TestUnfit:
    """None of these is reset: nothing is said on the connection any more."""

    @staticmethod
    async def unfit(at: Ended, dirt: Dirt) -> None:
        assert await at.clean() is dirt
        assert received(at.peer) == b""

    @in_a_loop
    async def test_a_server_with_which_a_conversation_failed(self) -> None:
        async with ended() as at:
            at.server.fit = False
            await self.unfit(at, Dirt.LOST)

    @pytest.mark.parametrize(
        ("parting", "dirt"), [(Parting.SERVER_LOST, Dirt.LOST), (Parting.SERVER_VIOLATION, Dirt.VIOLATION)]
    )
    @in_a_loop
    async def test_a_server_that_ended_it_is_not_asked_to_stop(self, parting: Parting, dirt: Dirt) -> None:
        async with ended(parting, QUERY) as at:
            await self.unfit(at, dirt)
            assert at.interrupted == []

    @in_a_loop
    async def test_a_server_whose_client_broke_the_protocol(self) -> None:
        async with ended(Parting.CLIENT_VIOLATION, QUERY, DONE) as at:
            await self.unfit(at, Dirt.CLIENT_VIOLATION)

    @pytest.mark.parametrize(
        ("requests", "answers", "dirt"),
        [
            (QUERY, b"", Dirt.OWES_ANSWERS),
            (QUERY, DONE + READY, Dirt.OWES_NOTHING_ASKED),
            (message("P", b"\0\0\0\0"), b"", Dirt.BATCH_OPEN),
            (QUERY[:-1], b"", Dirt.REQUEST_CUT),
            (QUERY, DONE + b"N", Dirt.ANSWER_CUT),
        ],
    )
    @in_a_loop
    async def test_a_server_that_may_still_be_at_work_is_interrupted(
        self, requests: bytes, answers: bytes, dirt: Dirt
    ) -> None:
        async with ended(Parting.CLIENT_GONE, requests, answers) as at:
            await self.unfit(at, dirt)
            assert at.interrupted == [at.server]

    @in_a_loop
    async def test_the_interruption_is_waited_for(self) -> None:
        async with ended(Parting.CLIENT_GONE, QUERY) as at:
            answered = asyncio.Event()
            at.cancelling = asyncio.create_task(answered.wait())
            cleaning = at.clean()
            await settle()
            assert not cleaning.done()
            answered.set()
            assert await cleaning is Dirt.OWES_ANSWERS

    @in_a_loop
    async def test_a_server_whose_link_nothing_has_ended(self) -> None:
        """The session was cancelled before the link had ended by itself."""
        async with ended() as at:
            at.link.ended = asyncio.get_running_loop().create_future()
            await self.unfit(at, Dirt.LOST)


class TestFailingReset:
    @pytest.mark.parametrize(
        ("said", "dirt"),
        [
            (error("SERROR", "C55000", "Mnot now") + READY, Dirt.RESET_FAILED),
            (message("C", b"BEGIN\0") + IN_TRANSACTION, Dirt.RESET_FAILED),
            (message("R", bytes(4)), Dirt.RESET_FAILED),
            (b"C\0\0\0\3", Dirt.RESET_FAILED),
            (message("S", b"TimeZone"), Dirt.RESET_FAILED),
            (DONE + message("N", b"SNOTICE\0\0"), Dirt.SPOKE),
            (DONE + READY, Dirt.SPOKE),
        ],
    )
    @in_a_loop
    async def test_makes_the_server_unfit(self, said: bytes, dirt: Dirt) -> None:
        async with ended() as at:
            cleaning = at.clean()
            await play(RESET >> said, at.peer)
            assert await cleaning is dirt

    @pytest.mark.parametrize("said", [b"", DONE[:-1], DONE])
    @in_a_loop
    async def test_a_server_that_hangs_up_is_lost(self, said: bytes) -> None:
        async with ended() as at:
            cleaning = at.clean()
            await play(RESET >> said, at.peer)
            at.peer.close()
            assert await cleaning is Dirt.LOST

    @in_a_loop
    async def test_a_server_that_does_not_answer_is_left_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cleaning, "RESET_TIMEOUT", 0.02)
        async with ended() as at:
            assert await at.clean() is Dirt.RESET_FAILED
