"""A client of the transaction pipeline, and the servers that it has in turn.

The client's channel stays attended for its whole life. When it says something and has no server, one is taken; when the
answer that ends its transaction has come, the server is given back. Both are plain calls: no task is woken for a
transaction. Who takes and gives is the Broker (`daemon.taking`); a server comes at once, or later.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Protocol

from agroal.errors import ClientFacing, ProtocolViolation
from agroal.net.dial import Server
from agroal.net.link import Link, Parting, nothing
from agroal.net.pump import Channel
from agroal.pipeline.answering import Answering
from agroal.pipeline.asking import Asking
from agroal.pipeline.turn import Turn
from agroal.wire.codes import Frontend

TERMINATE = int(Frontend.TERMINATE)


class Broker(Protocol):
    """Who has servers."""

    def take(self) -> bool:
        """The client has something to say. True when it has a server now.

        Otherwise what it has said was stashed, and `Turns.go_on` follows.
        """

    def rest(self) -> None:
        """The turn is over: the server goes back, unless the client has to keep it."""

    def leave_queue(self) -> None:
        """The client does not wait any more."""


class Place(Enum):
    """Where a client is."""

    IDLE = "it has no server, and wants none"
    WAITING = "it waits for a server"
    JOINED = "it has a server"


class Turns(Link):
    """A link whose server comes and goes."""

    requests: Requests  # type: ignore[assignment]
    answers: Answers  # type: ignore[assignment]

    def __init__(self, client: Channel, turn: Turn) -> None:
        self.client = client
        self.turn = turn
        self.tally = turn.tally
        self.place = Place.IDLE
        self.holds: Server | None = None
        self.broker: Broker
        """To be set before it starts."""
        self.refusal: ClientFacing | None = None
        self.violation: ProtocolViolation | None = None
        self.ended: asyncio.Future[Parting] = asyncio.get_running_loop().create_future()
        self.requests = Requests(self)
        self.answers = Answers(self)
        self._giving_up: asyncio.TimerHandle | None = None
        self._patience = 0

    def start(self) -> None:
        """Listen to the client, to that first which it sent ahead."""
        self.client.on_drained = self._client_drained
        self.client.attend(self.requests.relay, self._client_hung_up)
        if self.client.unread:
            self.go_on()

    def hold(self, server: Server) -> None:
        """The client has this server."""
        self.holds = server
        self.server = channel = server.channel
        self.place = Place.JOINED
        self.turn.begin(server.luggage, server.parameters)
        channel.on_drained = self.client.resume
        channel.attend(self.answers.relay, self._server_hung_up)
        if self.client.unsent:
            channel.pause()

    def leave(self) -> None:
        """It has it no more. Whoever has the server now attends it."""
        self.server.on_drained = nothing
        self.holds = None
        self.place = Place.IDLE
        self.turn.end()

    def stash(self) -> None:
        """The client has to wait with what it said."""
        self.place = Place.WAITING
        self.client.unread = bytes(self.client.pump.buffer[: self.requests.pending])

    def go_on(self) -> None:
        """The client may say what it was stopped at."""
        client = self.client
        said, client.unread = client.unread, b""
        if self.place is Place.WAITING:
            self.place = Place.IDLE
        client.pump.buffer[: len(said)] = said
        client.resume()
        self.requests.pass_on(len(said))

    def heard_while_waiting(self) -> None:
        """It has said more, or hung up. What it says stays where it is."""
        if self.client.peek():
            self.client.pause(until_end=True)
        else:
            self.part(Parting.CLIENT_GONE)

    def refuse(self, error: ClientFacing) -> None:
        """The client has to go, and this is why."""
        if not self.ended.done():
            self.refusal = error
            self.part(Parting.REFUSED)

    def part(self, parting: Parting) -> None:
        if self.ended.done():
            return
        if self.place is Place.WAITING:
            self.broker.leave_queue()
        self.turn.frontend.cut = b""  # which no server has seen
        if self.holds:
            super().part(parting)
        else:
            self.client.on_drained = nothing
            self.client.ignore()
            self.ended.set_result(parting)

    def source_ended(self, flow: object) -> None:
        self.part(Parting.CLIENT_GONE if flow is self.requests else Parting.SERVER_LOST)

    def settle(self) -> None:
        """Perhaps that was all for now."""
        if self.holds and self.turn.is_over and not self.server.unsent:
            self.broker.rest()

    def _client_drained(self) -> None:
        if self.holds:
            self.server.resume()

    def _overheard(self, received: int) -> None:
        backend = self.turn.backend
        said = backend.cut + bytes(self.server.pump.buffer[:received])
        backend.cut = b""
        at = backend.walk_from(said, 0, len(said))
        if at < len(said):
            self.answers.answering.look(said, 0, at, len(said))


class Requests:
    """From the client to the server that it has just now."""

    __slots__ = ("_asking", "_turns", "passed", "pending", "scanner")

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._asking = Asking(turns.turn)
        self.scanner = turns.turn.frontend
        self.passed = 0
        """Bytes."""
        self.pending = 0
        """Bytes in the shared buffer that are the client's."""

    def relay(self) -> None:
        """Pass on what one receive brings."""
        turns, cut = self._turns, self.scanner.cut
        if turns.place is Place.WAITING:
            turns.heard_while_waiting()
            return
        received = _receive(turns.client, cut)
        if received is None:
            return
        if not received:
            turns.source_ended(self)
            return
        self.scanner.cut = b""
        self.pass_on(len(cut) + received)

    def pass_on(self, end: int) -> None:
        """Pass on so many bytes that are in the shared buffer."""
        turns, scanner, buffer = self._turns, self.scanner, self._turns.client.pump.buffer
        if turns.holds is None:
            if buffer[0] == TERMINATE:
                turns.part(Parting.TERMINATED)
                return
            self.pending = end
            if not turns.broker.take():
                return
        if turns.turn.overlap is not None:
            self._asking.read_on(bytes(buffer[: min(scanner.skip, end)]))
        data: memoryview | bytes = turns.client.pump.view[:end]
        goodbye = False
        try:
            at = scanner.walk_from(buffer, 0, end)
            if at != end:
                data, goodbye = self._asking.look(buffer, 0, at, end)
        except ProtocolViolation as error:
            turns.violation = error
            turns.part(Parting.CLIENT_VIOLATION)
            return
        self.passed += len(data)
        if not _send(data, turns.client, turns.server):
            turns._hear_last_words()
        elif goodbye:
            turns.part(Parting.TERMINATED)


class Answers:
    """From that server to the client."""

    __slots__ = ("_turns", "answering", "passed", "scanner")

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.answering = Answering(turns.turn)
        self.scanner = turns.turn.backend
        self.passed = 0
        """Bytes."""

    def relay(self) -> None:
        """Pass on what one receive brings."""
        turns, scanner, cut = self._turns, self.scanner, self.scanner.cut
        received = _receive(turns.server, cut)
        if received is None:
            return
        if not received:
            turns.source_ended(self)
            return
        end = len(cut) + received
        scanner.cut = b""
        pump, turn = turns.client.pump, turns.turn
        data: memoryview | bytes = pump.view[:end]
        try:
            at = scanner.walk_from(pump.buffer, 0, end)
            if at != end:
                data = self.answering.look(pump.buffer, 0, at, end)
            else:
                turn.retry = None
        except ProtocolViolation as error:
            turns.violation = error
            turns.part(Parting.SERVER_VIOLATION)
            return
        self.passed += len(data)
        if not _send(data, turns.server, turns.client):
            turns.part(Parting.CLIENT_GONE)
            return
        if again := self.answering.again:
            self.answering.again = None
            pump.buffer[: len(again)] = again
            turns.requests.pass_on(len(again))
        elif turn.tally.owed == 0:
            turns.settle()


def _receive(source: Channel, cut: bytes) -> int | None:
    """Receive into the shared buffer, behind what was cut off before. None when there is nothing; 0 at the end."""
    pump, offset = source.pump, len(cut)
    try:
        received = source.sock.recv_into(pump.view[offset:] if offset else pump.buffer)
    except BlockingIOError:
        return None
    except OSError:
        return 0
    if offset:
        pump.buffer[:offset] = cut
    return received


def _send(data: memoryview | bytes, source: Channel, sink: Channel) -> bool:
    """Send, and keep what is not taken; then the source has to wait. False when the sink is gone."""
    if not data:
        return True
    try:
        if not sink.write(data):
            source.pause(until_end=True)
    except OSError:
        return False
    return True
