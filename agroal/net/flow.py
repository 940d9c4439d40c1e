"""One direction of a link: what the pump does with the bytes of a joined client or server."""

from __future__ import annotations

from typing import Protocol

from agroal.errors import ProtocolViolation
from agroal.net.pump import Channel
from agroal.net.stopwatch import Stopwatch
from agroal.wire.scan import Scanner


class Joint(Protocol):
    """What a flow reports to: the rare things that end a relay or make it wait."""

    def source_ended(self, flow: Flow) -> None:
        """The source closed its connection, or it broke."""

    def sink_gone(self, flow: Flow) -> None:
        """The sink does not take anything any more."""

    def terminated(self, flow: Flow) -> None:
        """The client said Terminate; everything before it has been passed on, or is kept."""

    def violated(self, flow: Flow, error: ProtocolViolation) -> None:
        """The source sent what the protocol does not allow."""


class Flow:
    """One direction of a link: from a source's socket to a sink's, past a scanner."""

    __slots__ = (
        "_buffer",
        "_receive",
        "_send",
        "_view",
        "_walk",
        "joint",
        "passed",
        "scanner",
        "sink",
        "source",
        "watch",
    )

    def __init__(self, joint: Joint, source: Channel, sink: Channel, scanner: Scanner) -> None:
        self.joint = joint
        self.source = source
        self.sink = sink
        self.scanner = scanner
        self.passed = 0
        """Bytes."""
        self.watch: Stopwatch | None = None
        """Measures what the client asks for."""
        self._receive = source.sock.recv_into
        self._send = sink.sock.send
        self._walk = scanner.walk
        self._buffer = source.pump.buffer
        self._view = source.pump.view

    def relay(self, received: int = 0) -> None:
        """Pass on what one receive brings, or so many bytes that are in the shared buffer already."""
        if not received:
            try:
                received = self._receive(self._buffer)
            except BlockingIOError:
                return
            except OSError:
                pass
            if not received:
                self.joint.source_ended(self)
                return
        fresh = not (self.scanner.skip or self.scanner.cut)
        try:
            end = self._walk(self._buffer, received)
        except ProtocolViolation as error:
            self.joint.violated(self, error)
            return
        if end:
            self.passed += end
            if self.watch:
                self.watch.look(self.scanner.tally, self._buffer, end if fresh else 0)
            try:
                sent = self._send(self._view[:end])
            except BlockingIOError:
                sent = 0
            except OSError:
                self.joint.sink_gone(self)
                return
            if sent != end:
                self.source.pause(until_end=True)
                self.sink.keep(self._view[sent:end])
        if end != received:
            self.joint.terminated(self)
