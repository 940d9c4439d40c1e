from __future__ import annotations

import pytest

from agroal.auth.login import Greeting
from agroal.errors import PeerGone, ServerRefused
from agroal.net.chosen import Channel
from agroal.net.dial import Address
from agroal.net.server import Server
from agroal.wire.talk import Talk, read_message
from tests.unit.looping import in_a_loop, pumping, until
from tests.unit.net.pairs import channel, received
from tests.unit.wire.messages import READY, message, parameter

SOON = 0.02
"""Seconds: how long something that never happens is waited for."""
QUESTION = b"how are you?"
FINE, REFUSED = message("f", b"fine"), message("r")


def server_at(ours: Channel) -> Server:
    return Server(ours, Address("pg", "127.0.0.1", 5432), Greeting({}, 7, b""))


def ask() -> Talk[bytes]:
    yield QUESTION
    kind, body = yield from read_message()
    if kind == ord("r"):
        raise ServerRefused({"M": "no"})
    return body


class TestConversations:
    @in_a_loop
    async def test_a_server_that_does_not_answer_is_left_in_time_and_unfit(self) -> None:
        async with pumping() as pump:
            with channel(pump, "server") as (peer, ours):
                server = server_at(ours)
                with pytest.raises(TimeoutError):
                    await server.converse(ask(), SOON)
                assert received(peer) == QUESTION
                assert not server.fit

    @in_a_loop
    async def test_a_server_that_hangs_up_is_gone(self) -> None:
        async with pumping() as pump:
            with channel(pump, "server") as (peer, ours):
                peer.close()
                with pytest.raises(PeerGone):
                    await server_at(ours).converse(ask(), 5)

    @pytest.mark.parametrize(
        ("answer", "result", "failure", "fit"),
        [(FINE, b"fine", None, True), (REFUSED, None, ServerRefused, True), (b"", None, PeerGone, False)],
    )
    @in_a_loop
    async def test_nobody_has_to_wait_for_an_answer(
        self, answer: bytes, result: bytes | None, failure: type[Exception] | None, fit: bool
    ) -> None:
        heard: list[tuple[bytes | None, Exception | None]] = []
        async with pumping() as pump:
            with channel(pump, "server") as (peer, ours):
                server = server_at(ours)
                server.talk(ask(), 5, lambda *outcome: heard.append(outcome))
                assert received(peer) == QUESTION
                peer.send(answer) if answer else peer.close()
                await until(lambda: heard)
                [(said, error)] = heard
                assert (said, type(error), server.fit) == (result, failure or type(None), fit)


@in_a_loop
async def test_a_client_is_told_of_the_settings_that_the_server_has_then() -> None:
    async with pumping() as pump:
        with channel(pump, "server") as (_, ours):
            server = server_at(ours)
            assert server.welcome == READY
            for zone in ("UTC", "Mars"):
                server.parameters["TimeZone"] = zone
                assert server.welcome == server.welcome == parameter("TimeZone", zone) + READY
