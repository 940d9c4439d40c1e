"""Runs one talk of the console over a client's channel: sends, reads, and has errands done.

One thing after the other: nothing is read while something is unsent, so a client that does not read costs one chunk.
While an errand waits, its client can cancel it, and is missed when it goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from agroal.console.commands import Errand
from agroal.console.errands import Cancelled, Doing
from agroal.errors import ManagementError, PeerGone
from agroal.management.record import Record
from agroal.net.chosen import Channel
from agroal.net.server import Server
from agroal.wire import backend
from agroal.wire.buffer import Inbox
from agroal.wire.fields import Message
from agroal.wire.talk import Ask

LIMIT: Final = 4 << 20
"""Bytes of a message. Longer ones end the connection."""
READ_AT_ONCE: Final = 16_384
"""As much as a record of TLS has, so that nothing stays behind."""

Perform = Callable[[Errand], Awaitable[Record]]


class Desk:
    """Cancellable, as sessions are (net/cancel.py)."""

    def __init__(self, client: Channel, perform: Perform) -> None:
        """`perform` raises ManagementError, ClientFacing."""
        self._client = client
        self._perform = perform
        self._inbox = Inbox(client.unread)
        client.unread = b""
        self._waiting: asyncio.Future[Record] | None = None
        self._cancelled = False

    @property
    def serving(self) -> Server | None:
        """None: the console has no server."""
        return None

    def cancel_wait(self) -> None:
        if self._waiting:
            self._cancelled = True
            self._waiting.cancel()

    async def serve(self, key: bytes, talk: Doing[None]) -> None:
        """Until the client says goodbye. `key` is its cancel key. Raises ClientFacing, PeerGone."""
        await self._send(backend.greeting(key))
        try:
            wanted = next(talk)
            while True:
                match wanted:
                    case bytes():
                        await self._send(wanted)
                        wanted = next(talk)
                    case Ask():
                        wanted = talk.send(await self._message())
                    case Errand():
                        wanted = await self._do(talk, wanted)
        except StopIteration:
            return
        finally:
            talk.close()

    async def _do(self, talk: Doing[None], errand: Errand) -> bytes | Ask | Errand:
        await asyncio.sleep(0)  # a long list of statements is not to keep everybody else waiting
        try:
            result = await (self._patiently(errand) if errand.waits else self._perform(errand))
        except (ManagementError, Cancelled) as error:
            return talk.throw(error)
        return talk.send(result)

    async def _patiently(self, errand: Errand) -> Record:
        """Raises Cancelled, PeerGone."""
        client = self._client
        self._cancelled, gone = False, False
        self._waiting = waiting = asyncio.ensure_future(self._perform(errand))

        def left() -> None:
            nonlocal gone
            gone = True
            waiting.cancel()

        def heard() -> None:
            if client.peek():
                client.pause(until_end=True)  # it stays where it is
            else:
                left()

        client.attend(heard, left)
        try:
            return await waiting
        except asyncio.CancelledError:
            if gone:
                raise PeerGone(f"{client.label} hung up while its command was under way") from None
            if self._cancelled:
                raise Cancelled from None
            raise
        finally:
            self._waiting = None
            waiting.cancel()
            if not client.closed:
                client.ignore()

    async def _message(self) -> Message:
        self._read_peeked()
        while (found := self._inbox.take_message(LIMIT)) is None:
            await self._more()
        return found

    async def _more(self) -> None:
        client = self._client
        try:
            received = client.sock.recv_into(client.pump.view, READ_AT_ONCE)
        except BlockingIOError:
            await self._until(lambda woken: client.attend(woken, woken))
            return
        except OSError:
            received = 0
        if not received:
            raise PeerGone(f"{client.label} closed the connection")
        self._inbox.feed(client.pump.view[:received])

    def _read_peeked(self) -> None:
        self._inbox.feed(self._client.unread)
        self._client.unread = b""

    async def _send(self, data: bytes) -> None:
        client = self._client

        def drain(woken: Callable[[], None]) -> None:
            client.on_drained = client.on_hangup = woken
            client.pause()

        try:
            if client.write(data):
                return
        except OSError as error:
            raise PeerGone(f"{client.label} closed the connection") from error
        await self._until(drain)
        if client.unsent or client.closed:
            raise PeerGone(f"{client.label} closed the connection")

    async def _until(self, arrange: Callable[[Callable[[], None]], None]) -> None:
        """Wait for what `arrange` has call the function that it is given."""
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def woken() -> None:
            if not self._client.closed:
                self._client.ignore()
            if not awake.done():
                awake.set_result(None)

        arrange(woken)
        try:
            await awake
        finally:
            if not self._client.closed:
                self._client.ignore()
