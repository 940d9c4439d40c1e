from __future__ import annotations

import logging
import socket

import pytest

from agroal.daemon import farewell
from agroal.net.link import Parting
from tests.unit.daemon.lobby import ANSWER, QUERY, Lobby, lobby, told
from tests.unit.looping import in_a_loop, settle, until
from tests.unit.net.pairs import push, received
from tests.unit.script import Script, play, read
from tests.unit.wire.messages import TERMINATE, error, message

pytestmark = pytest.mark.usefixtures("both_ways")

BYE = error("SFATAL", "VFATAL", "C57P01", "Mterminating connection due to administrator command")


class TestEnds:
    @in_a_loop
    async def test_a_client_that_hangs_up_in_the_middle_of_a_query(self) -> None:
        async with lobby() as at:
            client, server = await at.serve()
            client.send(QUERY)
            await play(Script() << QUERY, server)
            client.close()
            await at.everybody_gone()
            await settle()
            assert received(server) == TERMINATE
            assert at.on.cancelled == [at.on.shell.servers[0]], "PostgreSQL would go on with it"

    @in_a_loop
    async def test_the_last_words_of_a_server_are_the_last_that_its_client_hears(self) -> None:
        async with lobby() as at:
            client, server = await at.serve()
            server.send(BYE)
            server.close()
            await at.everybody_gone()
            assert received(client) == BYE
            await until(lambda: at.on.states() == [])

    @in_a_loop
    async def test_a_server_that_goes_without_a_word(self) -> None:
        async with lobby() as at:
            client, server = await at.serve()
            server.close()
            await at.everybody_gone()
            assert told(client)["C"] == "08006"

    @in_a_loop
    async def test_a_server_that_goes_in_the_middle_of_a_message(self) -> None:
        async with lobby() as at:
            client, server = await at.serve()
            server.send(ANSWER[:4])
            server.close()
            await at.everybody_gone()
            assert received(client) == ANSWER[:4], "no word of ours may look like the rest of it"

    @in_a_loop
    async def test_a_client_that_breaks_the_protocol(self, caplog: pytest.LogCaptureFixture) -> None:
        async with lobby() as at:
            client, server = await at.serve()
            client.send(b"\0\0\0\0\0\0\0\0")
            await at.everybody_gone()
            assert told(client)["C"] == "08P01"
            await settle()
            assert received(server) == TERMINATE
        assert "the client broke the protocol: A message of type 0x00" in caplog.text

    @in_a_loop
    async def test_a_server_that_breaks_the_protocol(self, caplog: pytest.LogCaptureFixture) -> None:
        async with lobby() as at:
            client, server = await at.serve()
            server.send(message("R", bytes(4)))
            await at.everybody_gone()
            assert told(client)["C"] == "08006"
            await settle()
            assert received(server) == TERMINATE
        assert 'the server broke the protocol: A message of type "R"' in caplog.text

    @in_a_loop
    async def test_an_administrator_who_ends_it(self) -> None:
        async with lobby() as at:
            client, _ = await at.serve()
            at.sessions[0].terminate()
            at.sessions[0].terminate()
            await at.everybody_gone()
            assert told(client)["C"] == "57P01"
            at.sessions[0].terminate()

    @in_a_loop
    async def test_an_administrator_who_ends_it_in_the_middle_of_an_answer(self) -> None:
        async with lobby() as at:
            client, server = await at.serve()
            client.send(QUERY)
            await play(Script() << QUERY >> ANSWER[:4], server)
            await play(Script() << ANSWER[:4], client)
            at.sessions[0].terminate()
            await at.everybody_gone()
            assert received(client) == b""


async def stuck(at: Lobby) -> tuple[socket.socket, bytes]:
    """A client that has not read what its server said before it went; and what that was."""
    client, server = await at.serve()
    said = rest = message("D", bytes(400_000)) + BYE
    while rest:
        rest = push(server, rest)
        await settle()
    assert at.sessions[0].client.unsent, "neither does its socket take all that"
    server.close()
    await settle()
    return client, said


class TestSlowClients:
    @in_a_loop
    async def test_one_gets_the_time_to_take_what_its_server_said_last(self) -> None:
        async with lobby() as at:
            client, said = await stuck(at)
            assert not at.lives[0].done()
            assert await read(client, len(said) + 1) == said

    @in_a_loop
    async def test_one_that_does_not_take_it_is_left_in_time(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(farewell, "LINGER", 0.02)
        async with lobby() as at:
            with caplog.at_level(logging.DEBUG):
                await stuck(at)
                at.sessions[0].link.part(Parting.SERVER_LOST)
                await at.everybody_gone()
        assert "did not take the last words of its server" in caplog.text
