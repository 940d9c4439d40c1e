"""A client and a server joined for relaying.

A link passes bytes both ways until something ends it, and says what that was. It decides nothing: whether the server
can be used again is read from the tally (`pipeline.ledger`), and what the client is told is the session's affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from functools import partial

from agroal.errors import ClientFacing, ProtocolViolation
from agroal.net.chosen import Channel, Flow, Stopwatch, Traffic
from agroal.net.pump import nothing
from agroal.wire.chosen import BackendScanner, FrontendScanner, Tally

LAST_WORDS_TIMEOUT = 10.0
"""Seconds that a client which does not read may keep the slot of a server that has gone."""
LAST_WORDS = 64
"""Receives that a server that takes nothing any more is still read for: its last message says why."""


class Parting(Enum):
    """What ended a link."""

    TERMINATED = "the client said goodbye"
    CLIENT_GONE = "the client hung up without a goodbye"
    CLIENT_VIOLATION = "the client broke the protocol"
    SERVER_LOST = "the server closed the connection"
    SERVER_VIOLATION = "the server broke the protocol"
    REFUSED = "agroal could not serve the client any more"


class Link:
    """Two flows between two channels. `violation` says more where what ended it was one."""

    tells_messages_apart = True
    """Whether something can be said to the client between two messages of the server."""
    watch: Stopwatch | None = None
    """Measures what the client asks for."""
    on_end: Callable[[Parting], None] | None = None
    """To be called once, when it has ended."""
    parting: Parting | None = None
    """What has ended it."""
    _awaited: asyncio.Future[Parting] | None = None
    _carried: Traffic | None = None

    def __init__(self, client: Channel, server: Channel, tally: Tally) -> None:
        self.client = client
        self.server = server
        self.tally = tally
        self.requests = Flow(self, client, server, FrontendScanner(tally))
        self.answers = Flow(self, server, client, BackendScanner(tally))
        self.violation: ProtocolViolation | None = None
        self.refusal: ClientFacing | None = None
        """Why the client has to go, if neither side's connection is the reason."""
        self._giving_up: asyncio.TimerHandle | None = None
        self._patience = 0
        """Bytes of answers that will still be heard out."""

    def measure(self, watch: Stopwatch) -> None:
        """Tell this watch of what is asked and answered."""
        self.watch = self.requests.watch = self.answers.watch = watch

    def join(self) -> None:
        """Let the bytes flow, those first that the client sent ahead."""
        client, server = self.client, self.server
        client.on_drained, server.on_drained = server.resume, client.resume
        client.attend(self.requests.relay, self._client_hung_up)
        server.attend(self.answers.relay, self._server_hung_up)
        if client.unsent:
            server.pause()
        if client.unread:
            ahead, client.unread = client.unread, b""
            client.pump.buffer[: len(ahead)] = ahead
            self.requests.relay(len(ahead))

    def part(self, parting: Parting) -> None:
        """End the link, once. Both channels are left to whoever hears of it."""
        if self.parting:
            return
        if self._giving_up:
            self._giving_up.cancel()
        for channel in (self.client, self.server):
            channel.on_drained = nothing
            channel.ignore()
        self._end(parting)

    def _end(self, parting: Parting) -> None:
        self.parting = parting
        if self._awaited and not self._awaited.done():
            self._awaited.set_result(parting)
        if self.on_end:
            call, self.on_end = self.on_end, None
            call(parting)

    @property
    def ended(self) -> asyncio.Future[Parting]:
        """The parting, for whoever awaits it."""
        if self._awaited is None:
            self._awaited = asyncio.get_running_loop().create_future()
            if self.parting:
                self._awaited.set_result(self.parting)
        return self._awaited

    @property
    def traffic(self) -> Traffic:
        """What has been relayed so far."""
        if self._carried:
            return self._carried
        tally = self.tally
        return Traffic(tally.queries, tally.transactions, self.requests.passed, self.answers.passed)

    def dissolve(self) -> None:
        """It has ended, and only what it has carried is of interest: its parts do not wait for a garbage collection."""
        self._carried = self.traffic
        del self.requests, self.answers
        self.watch = None

    async def hear_out(self, seconds: float, size: int) -> None:
        """After a goodbye: let the server finish what its client asked for, and throw its answers away.

        Returns when it owes nothing more, has gone, or has broken the protocol, and after so many seconds or bytes.
        """
        heard = asyncio.Event()
        self._patience = size
        self.server.attend(partial(self._overhear, heard), heard.set)
        try:
            async with asyncio.timeout(seconds):
                await heard.wait()
        except TimeoutError:
            pass
        finally:
            self.server.ignore()

    def _overhear(self, heard: asyncio.Event) -> None:
        server = self.server
        try:
            received = server.sock.recv_into(server.pump.buffer)
            if received:
                self._overheard(received)
        except BlockingIOError:
            return
        except (OSError, ProtocolViolation):
            received = 0
        self._patience -= received
        if not received:
            self.tally.owed = max(self.tally.owed, 1)  # who has gone, or babbles, will not finish
        if not received or self.tally.owed <= 0 or self._patience < 0:
            heard.set()

    def _overheard(self, received: int) -> None:
        self.answers.scanner.walk(self.server.pump.buffer, received)

    def source_ended(self, flow: Flow) -> None:
        self.part(Parting.CLIENT_GONE if flow is self.requests else Parting.SERVER_LOST)

    def sink_gone(self, flow: Flow) -> None:
        if flow is self.answers:
            self.part(Parting.CLIENT_GONE)
        else:
            self._hear_last_words()

    def terminated(self, flow: Flow) -> None:
        self.part(Parting.TERMINATED)

    def violated(self, flow: Flow, error: ProtocolViolation) -> None:
        self.violation = error
        self.part(Parting.CLIENT_VIOLATION if flow is self.requests else Parting.SERVER_VIOLATION)

    def _client_hung_up(self) -> None:
        self.part(Parting.CLIENT_GONE)

    def _server_hung_up(self) -> None:
        if self.client.unsent:  # the client is slow: what the server left behind is read when there is room for it
            self.server.unsent = b""
            self.server.pump.forget(self.server)
            if not self._giving_up:
                loop = asyncio.get_running_loop()
                self._giving_up = loop.call_later(LAST_WORDS_TIMEOUT, self.part, Parting.SERVER_LOST)
        else:
            self._hear_last_words()

    def _hear_last_words(self) -> None:
        """The server takes nothing any more. What it said before it went is in the kernel still, and is the reason."""
        for _ in range(LAST_WORDS):
            if self.parting or self.client.unsent:
                break
            self.answers.relay()
        self.part(Parting.SERVER_LOST)
