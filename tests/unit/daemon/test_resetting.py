"""Resets that go as they nearly always do, and those that do not."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from agroal.auth.login import Greeting
from agroal.daemon.resetting import Reset
from agroal.errors import PeerGone, ServerRefused
from agroal.net.alarm import alarms
from agroal.net.dial import Address
from agroal.net.server import Server
from agroal.pipeline import routine
from tests.unit.looping import in_a_loop, pumping, settle, until
from tests.unit.net.pairs import channel
from tests.unit.script import Script, play
from tests.unit.wire.messages import READY, adopting, error, message, parameter

SET = message("1") + message("2") + message("D", b"\0\0") + message("C", b"SELECT 1\0") + message("3") + READY
UNDRESSED = parameter("application_name", "") + message("C", b"DISCARD ALL\0") + READY
DRESSED = parameter("application_name", "psql") + SET
ANSWER = UNDRESSED + DRESSED
REQUEST = message("Q", b"DISCARD ALL\0") + adopting("application_name", "psql")
REFUSED = error("SERROR", "C42501", "Mno")


@dataclass
class Resetting:
    peer: socket.socket
    server: Server
    outcomes: list[tuple[Mapping[str, str] | None, Exception | None]] = field(default_factory=list)

    def start(self, seconds: float = 5) -> None:
        self.server.wanted = {"application_name": "psql"}
        Reset(self.server, "DISCARD ALL", lambda *outcome: self.outcomes.append(outcome)).start(seconds)

    async def answered(self, *pieces: bytes) -> tuple[Mapping[str, str] | None, Exception | None]:
        """What comes of it when the server says this, a piece at a time."""
        self.start()
        await play(Script() << REQUEST, self.peer)
        for piece in pieces:
            assert self.outcomes == []
            self.peer.send(piece)
            await settle()
        await until(lambda: self.outcomes)
        return self.outcomes.pop()


@asynccontextmanager
async def resetting() -> AsyncIterator[Resetting]:
    """Nothing is known in the beginning; nothing is left to ring in the end."""
    routine._routine.cache_clear()
    async with pumping() as pump:
        with channel(pump, "server") as (peer, ours):
            greeting = Greeting({"application_name": "psql"}, 7, b"")
            made = Resetting(peer, Server(ours, Address("pg", "127.0.0.1", 5432), greeting))
            yield made
            assert not made.outcomes, "it was told more than once"
            assert len(alarms()) == 0
            assert not ours.attended or ours.closed


@in_a_loop
async def test_a_server_keeps_its_routine_as_long_as_the_same_is_wanted_of_it() -> None:
    async with resetting() as at:
        wanted = {"application_name": "psql"}
        at.server.wanted = wanted

        def chosen(query: str = "DISCARD ALL") -> object:
            Reset(at.server, query, lambda *_: None)
            assert at.server.routine
            return at.server.routine[-1]

        first = chosen()
        routine._routine.cache_clear()
        assert chosen() is first
        assert chosen("RESET ALL") is not first
        at.server.wanted = {**wanted, "TimeZone": "UTC"}
        other = chosen()
        assert other is not first
        at.server.parameters["TimeZone"] = "UTC"  # it reports that, too, from now on
        assert chosen() is not other


WORN = ({"application_name": ""}, None)
CUTS = [(ANSWER,), (UNDRESSED, DRESSED), (ANSWER[:3], ANSWER[3:70], ANSWER[70:])]


@pytest.mark.parametrize("first", CUTS)
@pytest.mark.parametrize("then", CUTS)
@in_a_loop
async def test_the_second_of_two_that_are_answered_alike_comes_to_the_same(
    first: tuple[bytes, ...], then: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with resetting() as at:
        assert await at.answered(*first) == WORN
        monkeypatch.setattr("agroal.daemon.resetting.reset", None)  # nothing has to be understood any more
        assert await at.answered(*then) == WORN
        assert at.server.parameters == {"application_name": "psql"}
        assert at.server.fit


@pytest.mark.parametrize("last", [REFUSED + READY, message("1") + REFUSED + READY])
@in_a_loop
async def test_an_answer_that_is_another_after_all_is_understood(last: bytes) -> None:
    async with resetting() as at:
        await at.answered(ANSWER)
        assert await at.answered(UNDRESSED, last) == ({}, None), "what is refused is not worn"
        assert await at.answered(UNDRESSED, last) == ({}, None), "and is no routine"


@in_a_loop
async def test_a_refusal_is_told_each_time() -> None:
    async with resetting() as at:
        for _ in range(2):
            worn, refusal = await at.answered(REFUSED + READY + DRESSED)
            assert worn is None
            assert isinstance(refusal, ServerRefused)
            assert at.server.fit


@pytest.mark.parametrize("said", [b"", ANSWER[:-1]])
@in_a_loop
async def test_a_server_that_goes_in_the_middle_is_gone(said: bytes) -> None:
    async with resetting() as at:
        await at.answered(ANSWER)
        at.start()
        at.peer.send(said)
        await settle()
        at.peer.close()
        await until(lambda: at.outcomes)
        worn, gone = at.outcomes.pop()
        assert worn is None
        assert isinstance(gone, PeerGone)
        assert not at.server.fit


@in_a_loop
async def test_a_server_that_is_gone_before_is_gone() -> None:
    async with resetting() as at:
        at.peer.close()
        at.start()
        await until(lambda: at.outcomes)
        assert isinstance(at.outcomes.pop()[1], PeerGone)


@pytest.mark.parametrize("said", [b"", ANSWER[:9], b"N\0\0\0"])
@in_a_loop
async def test_a_server_that_does_not_finish_is_given_up_in_time(said: bytes) -> None:
    async with resetting() as at:
        await at.answered(ANSWER)
        at.start(0.02)
        at.peer.send(said)
        await until(lambda: at.outcomes)
        assert isinstance(at.outcomes.pop()[1], TimeoutError)
        assert not at.server.fit
