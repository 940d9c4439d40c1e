from __future__ import annotations

import asyncio
import itertools
import logging
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from agroal.auth.login import Greeting
from agroal.net import cancel
from agroal.net.cancel import Cancels
from agroal.net.dial import Address
from agroal.net.listen import SocketOptions
from agroal.net.server import Server
from tests.unit.looping import in_a_loop, pumping, settle
from tests.unit.net.pairs import channel, pump
from tests.unit.postgres import postgres, silent_port
from tests.unit.script import Script, play

SERVER_KEY = b"\0\0\0\7key!"
LONG_KEY = b"\0\0\0\7" + bytes(range(252))


def request(key: bytes) -> Script:
    return Script() << struct.pack("!II", 8 + len(key), 80877102) + key


@dataclass
class FakeSession:
    """Waits for a server, or is served by one."""

    serving: Server | None = None
    left_the_queue: int = 0

    def cancel_wait(self) -> None:
        self.left_the_queue += 1


@pytest.fixture
def cancels() -> Iterator[Cancels]:
    """Its keys are 1, 2, 3 …, each number twice."""
    numbers = itertools.count(1)
    with pump() as made:
        yield Cancels(made, SocketOptions(), lambda length: next(numbers).to_bytes(4, "big") * (length // 4))


@dataclass
class Serving:
    """A session that is being served, its key, and its server."""

    cancels: Cancels
    session: FakeSession
    key: bytes
    server: Server


@asynccontextmanager
async def serving(address: Address, server_key: bytes = SERVER_KEY) -> AsyncIterator[Serving]:
    """The server's own connection is of no interest here: its address counts."""
    async with pumping() as made:
        with channel(made, "server") as (_, ours):
            server = Server(ours, address, Greeting({}, 7, server_key))
            session = FakeSession(server)
            cancels = Cancels(made, SocketOptions(), lambda length: b"k" * length)
            yield Serving(cancels, session, cancels.key_for(session), server)


class TestKeys:
    @pytest.mark.parametrize(("long", "length"), [(False, 8), (True, 36)])
    def test_every_session_has_one_of_its_own(self, cancels: Cancels, long: bool, length: int) -> None:
        keys = {cancels.key_for(FakeSession(), long=long) for _ in range(100)}
        assert len(keys) == len(cancels) == 100
        assert {len(key) for key in keys} == {length}

    def test_short_and_long_ones_find_their_own_session_only_as_a_whole(self, cancels: Cancels) -> None:
        short, long = FakeSession(), FakeSession()
        keys = cancels.key_for(short), cancels.key_for(long, long=True)
        for key in (keys[0] + bytes(28), keys[1][:8], keys[1][:-1], keys[1] + b"\0", keys[1][:-1] + b"x"):
            cancels.request(key)
        assert (short.left_the_queue, long.left_the_queue) == (0, 0)
        for key in keys:
            cancels.request(key)
        assert (short.left_the_queue, long.left_the_queue) == (1, 1)
        cancels.forget(keys[1])
        cancels.request(keys[1])
        assert (len(cancels), long.left_the_queue) == (1, 1)

    def test_a_number_that_is_taken_is_not_given_out_again(self) -> None:
        tokens = iter([b"AAAAaaaa", b"AAAAbbbb", b"BBBBcccc"])
        with pump() as made:
            cancels = Cancels(made, SocketOptions(), lambda _: next(tokens))
            assert [cancels.key_for(FakeSession()) for _ in range(2)] == [b"AAAAaaaa", b"BBBBcccc"]

    def test_a_session_that_has_ended_is_forgotten(self, cancels: Cancels) -> None:
        session = FakeSession()
        key = cancels.key_for(session)
        cancels.forget(key)
        cancels.forget(key)
        cancels.forget(b"")
        assert cancels.request(key) is None
        assert (len(cancels), session.left_the_queue) == (0, 0)

    @pytest.mark.parametrize(
        "wrong", [b"\0\0\0\1\0\0\0\2", b"\0\0\0\1", b"\0\0\0\1\0\0\0\1\0", b"\0\0\0\2" * 2, b"", bytes(260)]
    )
    def test_a_key_that_is_nobodys_is_ignored_without_a_word(
        self, cancels: Cancels, wrong: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        session = FakeSession()
        assert cancels.key_for(session) == b"\0\0\0\1\0\0\0\1"
        assert cancels.request(wrong) is None
        assert (session.left_the_queue, caplog.records) == (0, [])

    def test_a_session_that_waits_leaves_the_queue(self, cancels: Cancels) -> None:
        session, other = FakeSession(), FakeSession()
        key = cancels.key_for(session)
        cancels.key_for(other)
        assert cancels.request(key) is None
        assert (session.left_the_queue, other.left_the_queue) == (1, 0)


class TestRequests:
    @pytest.mark.parametrize("server_key", [SERVER_KEY, LONG_KEY])
    @in_a_loop
    async def test_a_request_reaches_the_server_with_the_servers_own_key(self, server_key: bytes) -> None:
        async with postgres(request(server_key), hangs_up=True) as address, serving(address, server_key) as at:
            carried = at.cancels.request(at.key)
            assert carried
            await carried
            assert at.session.left_the_queue == 0

    @in_a_loop
    async def test_the_server_is_taken_until_postgresql_has_closed_the_connection(self) -> None:
        """PgBouncer #717: until then the signal may still be on its way."""
        with silent_port() as listening:
            listening.setblocking(False)
            listening.listen()
            async with serving(Address("pg", *listening.getsockname())) as at:
                carried = at.cancels.request(at.key)
                assert carried
                assert at.server.cancels == {carried}
                connection, _ = await asyncio.get_running_loop().sock_accept(listening)
                with connection:
                    await play(request(SERVER_KEY), connection)
                    await settle()
                    assert at.server.cancels == {carried}
                await carried
                await settle()
                assert at.server.cancels == set()

    @in_a_loop
    async def test_many_requests_are_carried_side_by_side(self) -> None:
        async with postgres(*[request(SERVER_KEY)] * 20, hangs_up=True) as address, serving(address) as at:
            for _ in range(20):
                at.cancels.request(at.key)
            assert len(at.server.cancels) == 20
            await asyncio.wait(at.server.cancels)

    @in_a_loop
    async def test_a_server_that_can_not_be_reached_is_logged_and_free_again(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with silent_port() as silent:
            async with serving(Address("pg", *silent.getsockname())) as at:
                with caplog.at_level(logging.WARNING):
                    await at.cancels.send(at.server)
                await settle()
                assert at.server.cancels == set()
        assert "a cancel request could not reach 127.0.0.1" in caplog.text
        assert "Connection refused" in caplog.text

    @in_a_loop
    async def test_a_server_that_never_closes_is_left_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cancel, "CANCEL_TIMEOUT", 0.02)
        async with postgres(request(SERVER_KEY)) as address, serving(address) as at:
            await at.cancels.send(at.server)

    @in_a_loop
    async def test_a_server_that_gave_no_key_can_not_be_cancelled(self) -> None:
        async with postgres() as address, serving(address, b"") as at:
            assert at.cancels.request(at.key) is None
            assert at.server.cancels == set()

    @in_a_loop
    async def test_the_options_of_a_reload_are_for_the_next_request(self, monkeypatch: pytest.MonkeyPatch) -> None:
        applied: list[SocketOptions] = []
        monkeypatch.setattr(SocketOptions, "apply", lambda self, _: applied.append(self))
        async with postgres(request(SERVER_KEY), hangs_up=True) as address, serving(address) as at:
            at.cancels.options = SocketOptions(nodelay=False)
            await at.cancels.send(at.server)
        assert applied == [SocketOptions(nodelay=False)]
