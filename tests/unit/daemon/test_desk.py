from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from agroal.console.commands import Errand
from agroal.console.errands import Cancelled, Doing
from agroal.daemon.desk import LIMIT, Desk
from agroal.errors import ManagementError, PeerGone, ProtocolViolation
from agroal.management.record import Record
from agroal.net.chosen import Channel
from agroal.wire.talk import MESSAGE
from tests.unit.looping import in_a_loop, pumping, settle, until
from tests.unit.net.pairs import SMALL, received
from tests.unit.wire.messages import authentication, message

KEY = bytes(range(8))
GREETING = authentication(0) + message("K", KEY)
ONE = Errand("one", {})
SLOW = Errand("slow", {}, waits=True)


@dataclass
class Scene:
    client: socket.socket
    channel: Channel
    desk: Desk = field(init=False)
    serving: asyncio.Task[None] = field(init=False)
    performed: list[Errand] = field(default_factory=list)
    answer: Record | Exception | None = None
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, what waits does."""

    async def perform(self, errand: Errand) -> Record:
        self.performed.append(errand)
        if errand.waits:
            await self.open.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]

    def begin(self, talk: Doing[None]) -> None:
        self.desk = Desk(self.channel, self.perform)
        self.serving = asyncio.create_task(self.desk.serve(KEY, talk))


@asynccontextmanager
async def scene(small: bool = False) -> AsyncIterator[Scene]:
    async with pumping() as pump:
        theirs, ours = socket.socketpair()
        if small:
            for sock in (theirs, ours):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        theirs.setblocking(False)
        on = Scene(theirs, Channel(pump, ours, "client"))
        try:
            yield on
        finally:
            on.serving.cancel()
            with suppress(asyncio.CancelledError, PeerGone, ProtocolViolation):
                await on.serving
            on.channel.close()
            theirs.close()


def echo() -> Doing[None]:
    """Says what it hears, until it hears an X."""
    while True:
        kind, body = yield MESSAGE  # type: ignore[misc]
        if kind == ord("X"):
            return
        yield bytes(body)


def obey(errand: Errand) -> Doing[None]:
    """One errand, and what came of it."""
    try:
        result = yield errand
    except (ManagementError, Cancelled) as error:
        yield type(error).__name__.encode()
    else:
        yield repr(result).encode()
    yield from echo()


@in_a_loop
async def test_a_client_is_greeted_with_its_cancel_key_and_heard_until_it_leaves() -> None:
    async with scene() as on:
        on.begin(echo())
        await settle()
        assert received(on.client) == GREETING
        on.client.send(message("Q", b"a") + message("Q", b"b"))
        await until(lambda: _said(on.client) == b"ab")
        on.client.send(message("X"))
        await on.serving


@in_a_loop
async def test_messages_may_come_in_any_pieces() -> None:
    async with scene() as on:
        on.begin(echo())
        for byte in message("Q", b"hello") + message("X"):
            on.client.send(bytes([byte]))
            await settle()
        await on.serving
        assert received(on.client) == GREETING + b"hello"


@in_a_loop
async def test_what_was_read_before_is_heard_first() -> None:
    async with scene() as on:
        on.channel.unread = message("Q", b"early") + b"X"
        on.begin(echo())
        on.client.send(message("X")[1:])
        await on.serving
        assert received(on.client) == GREETING + b"early"


@in_a_loop
async def test_nothing_is_read_and_nothing_made_for_a_client_that_does_not_read() -> None:
    async with scene(small=True) as on:
        chunk, made = bytes(65_536), 0

        def talk() -> Doing[None]:
            nonlocal made
            for _ in range(20):
                made += 1
                yield chunk

        on.begin(talk())
        await settle()
        assert made == 1
        assert 0 < len(on.channel.unsent) <= len(chunk)
        heard = 0
        while heard < 20 * len(chunk) + len(GREETING):
            heard += len(received(on.client))
            await asyncio.sleep(0)
        await on.serving
        assert made == 20


@in_a_loop
async def test_a_client_that_hangs_up_ends_its_talk() -> None:
    async with scene() as on:
        closed = False

        def talk() -> Doing[None]:
            nonlocal closed
            try:
                yield MESSAGE
            finally:
                closed = True

        on.begin(talk())
        await settle()
        on.client.close()
        with pytest.raises(PeerGone):
            await on.serving
        assert closed


@in_a_loop
async def test_one_that_hangs_up_while_something_is_sent_to_it_as_well() -> None:
    async with scene(small=True) as on:

        def talk() -> Doing[None]:
            while True:
                yield bytes(65_536)

        on.begin(talk())
        await settle()
        on.client.close()
        with pytest.raises(PeerGone):
            await on.serving


@pytest.mark.parametrize("head", [b"Q" + (LIMIT + 1).to_bytes(4, "big"), b"Q\0\0\0\0"])
@in_a_loop
async def test_a_message_of_an_impossible_length_is_the_end(head: bytes) -> None:
    async with scene() as on:
        on.begin(echo())
        on.client.send(head)
        with pytest.raises(ProtocolViolation):
            await on.serving


@in_a_loop
async def test_errands_are_done_and_their_results_come_back() -> None:
    async with scene() as on:
        on.answer = ManagementError("refused", "no")
        on.begin(obey(ONE))
        await until(lambda: _said(on.client) == b"ManagementError")
        assert on.performed == [ONE]
        assert not on.serving.done()


@in_a_loop
async def test_one_that_waits_can_be_cancelled() -> None:
    async with scene() as on:
        on.begin(obey(SLOW))
        await until(lambda: on.performed)
        on.client.send(message("Q", b"sent ahead"))
        await settle()
        on.desk.cancel_wait()
        await until(lambda: _said(on.client) == b"Cancelledsent ahead")


@in_a_loop
async def test_one_that_does_not_wait_is_not_cancelled() -> None:
    async with scene() as on:
        on.begin(echo())
        on.desk.cancel_wait()
        on.client.send(message("Q", b"a") + message("X"))
        await on.serving
        assert on.desk.serving is None


@in_a_loop
async def test_one_that_waits_comes_to_its_end() -> None:
    async with scene() as on:
        on.begin(obey(SLOW))
        await until(lambda: on.performed)
        on.open.set()
        await until(lambda: _said(on.client) == b"None")


@in_a_loop
async def test_a_client_that_hangs_up_while_its_errand_waits_is_missed() -> None:
    async with scene() as on:
        on.begin(obey(SLOW))
        await until(lambda: on.performed)
        on.client.close()
        with pytest.raises(PeerGone):
            await on.serving


@in_a_loop
async def test_an_errand_ends_with_the_session() -> None:
    async with scene() as on:
        on.begin(obey(SLOW))
        await until(lambda: on.performed)
        on.serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await on.serving
        assert len(asyncio.all_tasks()) == 1, "nothing of it goes on"


def _said(client: socket.socket) -> bytes:
    """What came behind the greeting, left where it is."""
    try:
        data = client.recv(1 << 16, socket.MSG_PEEK)
    except BlockingIOError:
        return b""
    return data.removeprefix(GREETING)
