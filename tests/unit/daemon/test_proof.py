"""Clients that prove by SCRAM who they are, the first time and each time after that."""

from __future__ import annotations

import socket
import struct

import pytest

from agroal.auth.scram import ClientExchange
from agroal.config.model import Method
from agroal.daemon import straight
from agroal.daemon.state import State
from tests.unit.daemon.lobby import STARTUP, WELCOME, Lobby, let_in, lobby, told
from tests.unit.looping import in_a_loop, settle, until
from tests.unit.net.pairs import received
from tests.unit.script import read
from tests.unit.wire.messages import TERMINATE, message, startup

STRANGER = startup("user", "eve", "database", "shop", "application_name", "psql")
PROVED = struct.pack("!cII", b"R", 54, 12)


def nothing_is_parsed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(straight, "Dialogue", None)


async def challenged(at: Lobby, words: bytes) -> tuple[socket.socket, ClientExchange, bytes]:
    """A client that has been asked for its proof and given a challenge."""
    exchange = ClientExchange("pencil", "nonce")
    client = at.enter()
    client.send(words)
    assert (await read(client, 24))[9:] == b"SCRAM-SHA-256\0\0"
    first = exchange.first()
    client.send(message("p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first))
    head = await read(client, 9)
    return client, exchange, await read(client, int.from_bytes(head[1:5]) - 8)


async def prove(at: Lobby, words: bytes = STARTUP, cut: int = 0) -> socket.socket:
    """A client that has said what it takes. The last message comes in two pieces, if it is cut."""
    client, exchange, challenge = await challenged(at, words)
    final = message("p", exchange.final(challenge))
    client.send(final[: cut or len(final)])
    if cut:
        await settle()
        client.send(final[cut:])
    return client


class TestProofs:
    @pytest.mark.parametrize("cut", [0, 3, 40])
    @in_a_loop
    async def test_who_came_before_has_to_prove_it_each_time(self, cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
        async with lobby() as at:
            at.daemon.method = Method.SCRAM_SHA_256
            for number in (1, 2):
                client = await prove(at, cut=cut)
                said = await read(client, len(PROVED) + 46 + len(let_in() + WELCOME))
                assert (said[:9], said[55:]) == (PROVED, let_in(number) + WELCOME)
                client.send(TERMINATE)
                await at.lives[-1]
                nothing_is_parsed(monkeypatch)
            assert at.daemon.totals.authenticated == 2
            assert at.daemon.totals.rejected == 0

    @in_a_loop
    async def test_the_end_of_the_proof_and_the_welcome_are_one_piece(self) -> None:
        async with lobby() as at:
            at.daemon.method = Method.SCRAM_SHA_256
            for number in (1, 2):
                client = await prove(at)
                await until(lambda: at.sessions[-1].link)
                said = received(client)
                assert (said[:9], said[55:]) == (PROVED, let_in(number) + WELCOME)
                client.send(TERMINATE)
                await at.lives[-1]

    @pytest.mark.parametrize("cut", [0, 3])
    @in_a_loop
    async def test_who_has_to_wait_is_told_that_its_proof_was_right(self, cut: int) -> None:
        async with lobby(max_connections=1) as at:
            at.daemon.method = Method.SCRAM_SHA_256
            first = await prove(at)
            await read(first, len(PROVED) + 46 + len(let_in() + WELCOME))
            second = await prove(at, cut=cut)
            said = await read(second, len(PROVED) + 46 + len(let_in()))
            assert (said[:9], said[55:]) == (PROVED, let_in(2)), "it can cancel the wait"
            assert at.sessions[1].state is State.WAITING
            for client in (first, second):
                client.close()

    @pytest.mark.parametrize("words", [STARTUP, STRANGER], ids=["known", "unknown"])
    @in_a_loop
    async def test_who_can_not_is_refused_each_time_known_or_not(
        self, words: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with lobby() as at:
            at.daemon.method = Method.SCRAM_SHA_256
            at.daemon.passwords.users = at.daemon.passwords.measure({"ann": "crayon"})
            for _ in range(2):
                client = await prove(at, words)
                await at.lives[-1]
                assert told(client)["C"] == "28P01"
                nothing_is_parsed(monkeypatch)
            assert at.daemon.totals.rejected == 2

    @pytest.mark.parametrize(
        "said", [message("p", b"SCRAM-SHA-1\0\0\0\0\0"), message("p", b"?"), message("Q", b"?\0"), b"p\0\0\0\3"]
    )
    @in_a_loop
    async def test_what_has_no_place_there_is_refused(self, said: bytes) -> None:
        async with lobby() as at:
            at.daemon.method = Method.SCRAM_SHA_256
            refusals = []
            for _ in range(2):
                client = at.enter()
                client.send(STARTUP)
                await read(client, 24)
                client.send(said)
                await at.lives[-1]
                refusals.append(told(client))
            assert refusals[0] == refusals[1]
            assert refusals[0]["C"] == "08P01"

    @pytest.mark.parametrize("said", [b"", b"p\0\0"], ids=["silent", "in the middle of its proof"])
    @pytest.mark.parametrize("how", ["hangs up", "is too slow", "is interrupted"])
    @in_a_loop
    async def test_who_does_not_come_to_an_end_is_not_waited_for(self, said: bytes, how: str) -> None:
        async with lobby() as at:
            at.daemon.method = Method.SCRAM_SHA_256
            client = await prove(at)
            await settle()
            client.close()
            await at.lives[0]
            if how == "is too slow":
                at.configure(authentication_timeout=0.2)
            client, _, _ = await challenged(at, STARTUP)
            client.send(said)
            await settle()
            if how == "hangs up":
                client.close()
            elif how == "is interrupted":
                at.sessions[-1].terminate()
            await at.lives[-1]
            if how == "is too slow":
                assert received(client).endswith(b"Mcanceling authentication due to timeout\0\0")
            elif how == "is interrupted":
                assert told(client)["C"] == "57P01"
            assert at.daemon.totals.authenticated == 1
