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

    __slots__ = (
        "_asking",
        "_buffer",
        "_client",
        "_hand",
        "_joint",
        "_tally",
        "_view",
        "passed",
        "pending",
        "scanner",
        "sink",
        "waiting",
    )

    def __init__(self, hand: Hand, joint: Joint, client: Channel, turn: Turn) -> None:
        self._hand = hand
        self._joint = joint
        self._client = client
        self._buffer = client.pump.buffer
        self._view = client.pump.view
        self._tally = turn.tally
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
        scanner = self.scanner
        end = _receive(self._client, scanner.cut)
        if end:
            scanner.cut = b""
            self.pass_on(end)
        elif end is not None:
            self._joint.source_ended(self)

    def pass_on(self, end: int) -> None:
        """Pass on so many bytes that are in the shared buffer."""
        scanner, tally, hand, joint, buffer = self.scanner, self._tally, self._hand, self._joint, self._buffer
        if self.sink is None:
            if buffer[0] == TERMINATE:
                joint.terminated(self)
                return
            self.pending = end
            if not hand.take_standby() and (hand.stand_in_line() or not joint.take()):
                return
        if tally.overlap is not None:
            self._asking.read_on(bytes(buffer[: min(scanner.skip, end)]))
        data: memoryview | bytes = self._view[:end]
        fresh, goodbye = scanner.skip == 0, False
        try:
            at = scanner.walk_from(buffer, 0, end)
            if at != end:
                data, goodbye = self._asking.look(buffer, 0, at, end)
        except ProtocolViolation as error:
            joint.violated(self, error)
            return
        self.passed += len(data)
        if hand.watch is not None:
            hand.watch.look(tally, buffer, end if fresh else 0)
        assert self.sink
        try:
            if data and not self.sink.write(data):
                self._client.pause(until_end=True)
        except OSError:
            joint.sink_gone(self)
            return
        if goodbye:
            joint.terminated(self)

    def stash(self) -> None:
        """The client has to wait with what it said."""
        self.waiting = True
        self._client.unread = bytes(self._buffer[: self.pending])


class Answers:
    """From that server to the client."""

    __slots__ = (
        "_answering",
        "_buffer",
        "_client",
        "_hand",
        "_joint",
        "_turn",
        "_view",
        "passed",
        "scanner",
        "source",
    )

    def __init__(self, hand: Hand, joint: Joint, client: Channel, turn: Turn) -> None:
        self._hand = hand
        self._joint = joint
        self._client = client
        self._buffer = client.pump.buffer
        self._view = client.pump.view
        self._turn = turn
        self._answering = Answering(turn)
        self.scanner = turn.backend
        self.source: Channel
        """The server's."""
        self.passed = 0
        """Bytes."""

    def relay(self) -> None:
        """Pass on what one receive brings."""
        scanner, turn, source, buffer = self.scanner, self._turn, self.source, self._buffer
        end = _receive(source, scanner.cut)
        if not end:
            if end is not None:
                self._joint.source_ended(self)
            return
        scanner.cut = b""
        data: memoryview | bytes = self._view[:end]
        try:
            at = scanner.walk_from(buffer, 0, end)
            if at != end:
                data = self._answering.look(buffer, 0, at, end)
            else:
                turn.tally.retry = None
        except ProtocolViolation as error:
            self._joint.violated(self, error)
            return
        self.passed += len(data)
        if self._hand.watch is not None:
            self._hand.watch.look(turn.tally, buffer, 0)
        try:
            if data and not self._client.write(data):
                source.pause(until_end=True)
        except OSError:
            self._joint.sink_gone(self)
            return
        if self._answering.again:
            again, self._answering.again = self._answering.again, None
            self._joint.again(again)
        elif turn.is_over() and not source.unsent:
            self._hand.rest()

    def overhear(self, said: bytes) -> None:
        """Follow what the server says without passing it on. Raises ProtocolViolation."""
        said = self.scanner.cut + said
        self.scanner.cut = b""
        at = self.scanner.walk_from(said, 0, len(said))
        if at < len(said):
            self._answering.look(said, 0, at, len(said))


def _receive(source: Channel, cut: bytes) -> int | None:
    """Receive into the shared buffer, behind what was cut off before.

    The bytes that are there now; 0 at the end, None when nothing came.
    """
    pump, offset = source.pump, len(cut)
    try:
        received = source.sock.recv_into(pump.view[offset:] if offset else pump.buffer)
    except BlockingIOError:
        return None
    except OSError:
        return 0
    if offset and received:
        pump.buffer[:offset] = cut
        received += offset
    return received
