from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from agroal.auth.login import Greeting
from agroal.daemon import cleaning
from agroal.daemon.cleaning import clean, see_off, works
from agroal.net.dial import Address
from agroal.net.link import Link, Parting
from agroal.net.server import Server
from agroal.pipeline.ledger import Dirt
from agroal.wire.chosen import Tally
from tests.unit.looping import in_a_loop, pumping, settle, until
from tests.unit.net.pairs import channel, received
from tests.unit.script import Script, play
from tests.unit.wire.messages import IN_TRANSACTION, READY, TERMINATE, adopting, error, message, parameter

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
            at.link.parting = None
            await self.unfit(at, Dirt.LOST)


class TestFailingReset:
    @pytest.mark.parametrize(
        ("said", "dirt"),
        [
            (error("SERROR", "C55000", "Mnot now") + READY, Dirt.RESET_FAILED),
            (message("C", b"BEGIN\0") + IN_TRANSACTION, Dirt.RESET_FAILED),
            (message("R", bytes(4)), Dirt.RESET_FAILED),
            (b"C\0\0\0\3", Dirt.RESET_FAILED),
            (message("S", b"TimeZone") + READY, Dirt.RESET_FAILED),
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

    @in_a_loop
    async def test_what_its_last_client_wanted_it_wears_for_the_next(self) -> None:
        async with ended() as at:
            at.server.parameters["application_name"] = "agroal"
            at.server.wanted = {"application_name": "shop", "work_mem": "1MB"}
            cleaning = at.clean()
            worn = parameter("application_name", "shop")
            dressing = Script() << adopting("application_name", "shop") >> DONE + worn + DONE
            await play(RESET + dressing, at.peer)
            assert await cleaning is None
            assert at.server.parameters == {"application_name": "shop"}
            assert at.server.worn == {"application_name": "agroal"}

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


QUESTION = Script() << QUERY


class TestWorks:
    @pytest.mark.parametrize(
        ("answer", "alive"),
        [
            (DONE, True),
            (error("SERROR", "C53200", "Mno memory") + READY, False),
            (message("C", b"SELECT 1\0") + IN_TRANSACTION, False),
            (DONE + READY, False),
            (message("R", bytes(4)), False),
            (b"C\0\0\0\3", False),
        ],
    )
    @in_a_loop
    async def test_a_server_that_answers_and_says_nothing_more_does(self, answer: bytes, alive: bool) -> None:
        async with ended() as at:
            asking = asyncio.create_task(works(at.server))
            await play(QUESTION >> answer, at.peer)
            assert await asking is alive

    @pytest.mark.parametrize("said", [b"", READY])
    @in_a_loop
    async def test_one_that_has_gone_or_spoken_before_does_not(self, said: bytes) -> None:
        """Else what it said without being asked would pass for the answer."""
        async with ended() as at:
            at.peer.send(said) if said else at.peer.close()
            assert not await works(at.server)

    @in_a_loop
    async def test_one_that_hangs_up_does_not(self) -> None:
        async with ended() as at:
            asking = asyncio.create_task(works(at.server))
            await play(QUESTION, at.peer)
            at.peer.close()
            assert not await asking

    @in_a_loop
    async def test_one_that_does_not_answer_in_time_does_not(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(cleaning, "VALIDATION_TIMEOUT", 0.02)
        with caplog.at_level(logging.INFO):
            async with ended() as at:
                assert not await works(at.server)
                assert not at.server.fit
        assert "does not work any more: no answer in time" in caplog.text


class TestSeeingOff:
    @in_a_loop
    async def test_it_is_over_when_postgresqls_side_is_gone(self) -> None:
        async with ended() as at:
            leaving = asyncio.create_task(see_off(at.server, at.interrupt))
            await play(Script() << TERMINATE, at.peer)
            await settle()
            assert not leaving.done()
            at.peer.close()
            await leaving
            assert at.interrupted == []

    @in_a_loop
    async def test_a_server_that_goes_on_working_is_interrupted_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Behind the query that was cancelled may be another."""
        monkeypatch.setattr(cleaning, "CANCEL_AGAIN", 0.01)
        async with ended() as at:
            leaving = asyncio.create_task(see_off(at.server, at.interrupt))
            await until(lambda: len(at.interrupted) == 2)
            at.peer.close()
            await leaving

    @in_a_loop
    async def test_one_request_at_a_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cleaning, "CANCEL_AGAIN", 0.01)
        monkeypatch.setattr(cleaning, "HANG_UP_TIMEOUT", 0.05)
        async with ended() as at:
            answered = asyncio.Event()
            at.cancelling = asyncio.create_task(answered.wait())  # type: ignore[assignment]
            leaving = asyncio.create_task(see_off(at.server, at.interrupt))
            await until(lambda: at.server.channel.closed)
            await settle()
            assert at.interrupted == [at.server]
            assert not leaving.done(), "the request may still hit"
            answered.set()
            await leaving
