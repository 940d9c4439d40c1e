"""The two directions of a client of the transaction pipeline.

This is the readable reference; `_relays.pyx` is its compiled twin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agroal.errors import ProtocolViolation
from agroal.net.pump import Channel
from agroal.pipeline.answering import Answering
from agroal.pipeline.asking import Asking
from agroal.pipeline.turn import Turn
from agroal.wire.codes import Frontend

if TYPE_CHECKING:
    from agroal.net.hand import Hand, Joint

TERMINATE: Final = int(Frontend.TERMINATE)


class Requests:
    """From the client to the server that it has just now."""

    __slots__ = ("_asking", "_client", "_hand", "_joint", "_turn", "passed", "pending", "scanner", "sink", "waiting")

    def __init__(self, hand: Hand, joint: Joint, client: Channel, turn: Turn) -> None:
        self._hand = hand
        self._joint = joint
        self._client = client
        self._turn = turn
        self._asking = Asking(turn)
        self.scanner = turn.frontend
        self.sink: Channel | None = None
        """The server's."""
        self.waiting = False
        """The client waits for one."""
        self.passed = 0
        """Bytes."""
        self.pending = 0
        """Bytes in the shared buffer that are the client's."""

    def relay(self) -> None:
        """Pass on what one receive brings."""
        if self.waiting:
            self._joint.heard_while_waiting()
            return
        cut = self.scanner.cut
        received = _receive(self._client, cut)
        if received is None:
            return
        if not received:
            self._joint.source_ended(self)
            return
        self.scanner.cut = b""
        self.pass_on(len(cut) + received)

    def pass_on(self, end: int) -> None:
        """Pass on so many bytes that are in the shared buffer."""
        scanner, buffer, joint = self.scanner, self._client.pump.buffer, self._joint
        if self.sink is None:
            if buffer[0] == TERMINATE:
                joint.terminated(self)
                return
            self.pending = end
            if not self._hand.take_standby() and (self._hand.stand_in_line() or not joint.take()):
                return
        if self._turn.tally.overlap is not None:
            self._asking.read_on(bytes(buffer[: min(scanner.skip, end)]))
        data: memoryview | bytes = self._client.pump.view[:end]
        fresh, goodbye = scanner.skip == 0, False
        try:
            at = scanner.walk_from(buffer, 0, end)
            if at != end:
                data, goodbye = self._asking.look(buffer, 0, at, end)
        except ProtocolViolation as error:
            joint.violated(self, error)
            return
        self.passed += len(data)
        if self._hand.watch:
            self._hand.watch.look(self._turn.tally, buffer, end if fresh else 0)
        assert self.sink
        if not _send(data, self._client, self.sink):
            joint.sink_gone(self)
        elif goodbye:
            joint.terminated(self)

    def stash(self) -> None:
        """The client has to wait with what it said."""
        self.waiting = True
        self._client.unread = bytes(self._client.pump.buffer[: self.pending])


class Answers:
    """From that server to the client."""

    __slots__ = ("_answering", "_client", "_hand", "_joint", "_turn", "passed", "scanner", "source")

    def __init__(self, hand: Hand, joint: Joint, client: Channel, turn: Turn) -> None:
        self._hand = hand
        self._joint = joint
        self._client = client
        self._turn = turn
        self._answering = Answering(turn)
        self.scanner = turn.backend
        self.source: Channel
        """The server's."""
        self.passed = 0
        """Bytes."""

    def relay(self) -> None:
        """Pass on what one receive brings."""
        scanner, cut, pump, joint = self.scanner, self.scanner.cut, self._client.pump, self._joint
        received = _receive(self.source, cut)
        if received is None:
            return
        if not received:
            joint.source_ended(self)
            return
        end = len(cut) + received
        scanner.cut = b""
        data: memoryview | bytes = pump.view[:end]
        try:
            at = scanner.walk_from(pump.buffer, 0, end)
            if at != end:
                data = self._answering.look(pump.buffer, 0, at, end)
            else:
                self._turn.tally.retry = None
        except ProtocolViolation as error:
            joint.violated(self, error)
            return
        self.passed += len(data)
        if self._hand.watch:
            self._hand.watch.look(self._turn.tally, pump.buffer, 0)
        if not _send(data, self.source, self._client):
            joint.sink_gone(self)
        elif again := self._answering.again:
            self._answering.again = None
            joint.again(again)
        elif self._turn.is_over and not self.source.unsent:
            self._hand.rest()

    def overhear(self, said: bytes) -> None:
        """Follow what the server says without passing it on. Raises ProtocolViolation."""
        said = self.scanner.cut + said
        self.scanner.cut = b""
        at = self.scanner.walk_from(said, 0, len(said))
        if at < len(said):
            self._answering.look(said, 0, at, len(said))


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
