from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from agroal.daemon import farewell
from agroal.daemon.farewell import say_why
from agroal.errors import PeerGone, ProtocolViolation, ServerLost
from agroal.net.link import Link, Parting
from agroal.wire.chosen import Tally
from tests.unit.looping import in_a_loop, pumping, settle
from tests.unit.net.pairs import channel, received
from tests.unit.wire.messages import READY, error, message

BYE = error("SFATAL", "VFATAL", "C57P01", "Mterminating connection due to administrator command")


@contextlib.asynccontextmanager
async def ended(answers: bytes = b"", requests: bytes = b"") -> AsyncIterator[Link]:
    """A link over which this went. Its client reads when the test does."""
    async with pumping() as pump:
        with channel(pump, "client") as (client, ours), channel(pump, "server") as (server, theirs):
            link = Link(ours, theirs, Tally({}))
            link.join()
            server.send(answers)
            client.send(requests)
            await settle()
            link.part(Parting.SERVER_LOST)
            yield link


@pytest.mark.parametrize("parting", [Parting.TERMINATED, Parting.CLIENT_GONE])
@in_a_loop
async def test_a_client_that_ended_it_is_told_nothing(parting: Parting) -> None:
    async with ended() as link:
        await say_why(link, parting)


@in_a_loop
async def test_a_client_that_broke_the_protocol_is_told_how() -> None:
    async with ended(requests=b"\0\0\0\0\0") as link:
        with pytest.raises(ProtocolViolation):
            await say_why(link, Parting.CLIENT_VIOLATION)


@pytest.mark.parametrize("parting", [Parting.SERVER_LOST, Parting.SERVER_VIOLATION])
@in_a_loop
async def test_a_server_that_went_without_a_word_is_explained(parting: Parting) -> None:
    async with ended(READY) as link:
        with pytest.raises(ServerLost, match="unexpectedly"):
            await say_why(link, parting)


@pytest.mark.parametrize("said", [BYE, READY[:3]], ids=["it took its leave", "in the middle of a message"])
@in_a_loop
async def test_after_its_last_words_or_within_a_message_there_is_nothing_to_say(said: bytes) -> None:
    async with ended(said) as link:
        await say_why(link, Parting.SERVER_LOST)


@in_a_loop
async def test_a_slow_client_is_waited_for() -> None:
    async with ended() as link:
        link.client.keep(BYE)
        telling = asyncio.create_task(say_why(link, Parting.SERVER_LOST))
        with pytest.raises(ServerLost):
            await telling
        assert link.client.unsent == b""


@in_a_loop
async def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farewell, "LINGER", 0.02)
    async with pumping() as pump:
        with channel(pump, "client", small=True) as (client, ours), channel(pump, "server") as (_, theirs):
            link = Link(ours, theirs, Tally({}))
            ours.write(message("D", bytes(1_000_000)))
            with pytest.raises(PeerGone, match="client did not take the last words"):
                await say_why(link, Parting.SERVER_LOST)
            assert received(client)
