"""The pump: one epoll set that holds every client and server socket.

Its own descriptor is watched by the event loop. When that becomes readable, `Pump.turn` drains the set: for each ready
socket it calls what its channel wants done, usually `Flow.relay` (net/flow.py): receive into the one buffer, walk the
message headers, send straight on to the peer. One thread, no transports, one wake-up of the loop for many messages.

Rules that keep it simple:

- A channel is *attended* (somebody wants what it sends) or it is not; an unattended one is taken out of the set at the
  first byte that nobody wants, so a level-triggered set never spins.
- What a peer's socket does not take is kept in its channel, at most one buffer; its source is paused until that is
  gone. The two directions of a link are independent, so neither can block the other.
- A socket is closed at the end of the turn, so that its number is not another's while events of it are to be served.

This is the readable reference, `_pump.pyx` its compiled twin; `chosen.py` picks.
"""

from __future__ import annotations

import logging
import select
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final

log = logging.getLogger("agroal.pump")

BUFFER_SIZE: Final = 131_072
"""Bytes that one receive may bring; also the most that is ever kept for a slow peer."""
PEEKED: Final = 16_384
"""Bytes of a TLS record, at most."""
READY_AT_ONCE: Final = 128
ROUNDS: Final = 4
"""How often a turn asks for more before timers, management and dialling get their turn."""

IN: Final = select.EPOLLIN
OUT: Final = select.EPOLLOUT
END: Final = select.EPOLLRDHUP
HANGUP: Final = select.EPOLLHUP | select.EPOLLERR | END


class Pump:
    """The epoll set, the shared buffer, and the turn."""

    def __init__(self) -> None:
        self.buffer = bytearray(BUFFER_SIZE)
        self.view = memoryview(self.buffer)
        self._epoll = select.epoll()
        self._channels: dict[int, Channel] = {}
        self._retired: list[socket.socket] = []
        self._turning = False

    def __len__(self) -> int:
        return len(self._channels)

    def fileno(self) -> int:
        """The descriptor that the event loop watches."""
        return self._epoll.fileno()

    def turn(self) -> None:
        """Serve what is ready, a bounded number of rounds."""
        self._turning = True
        poll, channels = self._epoll.poll, self._channels
        try:
            for _ in range(ROUNDS):
                ready = poll(0, READY_AT_ONCE)
                if not ready:
                    return
                for fd, events in ready:
                    channel = channels.get(fd)
                    if channel is None:
                        continue
                    try:
                        if events == IN:
                            channel.on_readable()
                        else:
                            channel.serve(events)
                    except Exception:
                        log.exception("internal error on %s: its connection is closed", channel)
                        channel.on_hangup()
                if len(ready) == 1:
                    return  # so little is going on that another look would find nothing, mostly
        finally:
            self._turning = False
            for sock in self._retired:
                sock.close()
            self._retired.clear()

    def close(self) -> None:
        """Close the set. The channels must be gone."""
        self._epoll.close()

    def watch(self, channel: Channel, events: int) -> None:
        """Add the channel to the set, or change what is watched for."""
        if channel.watched is None:
            self._epoll.register(channel.fd, events)
            self._channels[channel.fd] = channel
        else:
            self._epoll.modify(channel.fd, events)
        channel.watched = events

    def forget(self, channel: Channel, closing: bool = False) -> None:
        """Take the channel out of the set. `closing`: the system does that when the socket is closed."""
        if channel.watched is not None:
            channel.watched = None
            del self._channels[channel.fd]
            if not closing:
                self._epoll.unregister(channel.fd)

    def retire(self, sock: socket.socket) -> None:
        """Close the socket as soon as no event of this turn can be its own any more."""
        if self._turning:
            self._retired.append(sock)
        else:
            sock.close()


def nothing() -> None:
    """What is to happen when nobody waits for it."""


class Channel:
    """One connected socket in the pump, and what is to happen when it is ready."""

    __slots__ = (
        "attended",
        "fd",
        "label",
        "on_drained",
        "on_hangup",
        "on_readable",
        "pump",
        "sock",
        "unread",
        "unsent",
        "watched",
    )

    def __init__(self, pump: Pump, sock: socket.socket, label: str) -> None:
        sock.setblocking(False)
        self.pump = pump
        self.sock = sock
        self.fd = sock.fileno()
        self.label = label
        """The peer's address, for people."""
        self.unsent = b""
        """What the peer's socket did not take yet."""
        self.unread = b""
        """What was read of the peer and belongs to whoever attends next."""
        self.attended = False
        self.watched: int | None = None
        """Events that the set looks for; None: it is not in the set."""
        self.on_readable: Callable[[], None] = self._ignore
        self.on_drained: Callable[[], None] = nothing
        self.on_hangup: Callable[[], None] = self._ignore

    def __repr__(self) -> str:
        return f"<Channel {self.label} fd={self.fd}>"

    @property
    def encrypted(self) -> bool:
        return isinstance(self.sock, ssl.SSLSocket)

    @property
    def closed(self) -> bool:
        """`close` was called."""
        return self.fd < 0

    def attend(self, on_readable: Callable[[], None], on_hangup: Callable[[], None] | None = None) -> None:
        """From now on call `on_readable` when there is something to read.

        `on_hangup` is called when the peer goes away while nobody reads, when it can't be sent to any more, and after
        an internal error.
        """
        self.attended = True
        self.on_readable = on_readable
        self.on_hangup = on_hangup or self._ignore
        if self.watched != IN or self.unsent:
            self._watch()

    def ignore(self) -> None:
        """Nobody wants what the peer sends, for now. It stays in the kernel."""
        self.attended = False
        self.on_readable = self.on_hangup = self._ignore

    def pause(self, until_end: bool = False) -> None:
        """Stop reading.

        A connection that breaks is still noticed, and `until_end` one whose peer has said all it will.
        """
        self.attended = False
        self._watch(END if until_end else 0)

    def resume(self) -> None:
        """Read again."""
        self.attended = True
        self._watch()

    def write(self, data: bytes | memoryview) -> bool:
        """Send, and keep what is not taken. False when something is kept: then `on_drained` follows.

        Raises OSError when the peer is gone.
        """
        if self.unsent:
            self.unsent += bytes(data)
            return False
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        if sent == len(data):
            return True
        self.keep(data[sent:])
        return False

    def keep(self, rest: bytes | memoryview) -> None:
        """Keep this until the peer's socket takes it."""
        self.unsent = bytes(rest)
        self._watch()

    def serve(self, events: int) -> None:
        """Anything but a plain “readable”: the rare events, told apart."""
        if events & OUT and self.unsent:
            self._drain()
        if self.fd < 0 or not events & (IN | HANGUP):
            return
        if self.attended:
            self.on_readable()
        else:
            self.on_hangup()

    def peek(self, size: int = 1) -> bytes | None:
        """The next bytes, left where they are; empty when the peer has hung up, None when nothing has come.

        Of an encrypted connection it is not in the kernel any more, but in `unread`.
        """
        try:
            if self.encrypted:
                self.unread += self.sock.recv(PEEKED)
                return self.unread[:size]
            return self.sock.recv(size, socket.MSG_PEEK)
        except OSError as error:
            return None if isinstance(error, BlockingIOError) else b""

    def take(self, size: int) -> bytes | None:
        """The next bytes; empty when the peer has hung up, None when nothing has come."""
        try:
            return self.sock.recv(size)
        except OSError as error:
            return None if isinstance(error, BlockingIOError) else b""

    def drop_unread(self) -> None:
        """Throw away what has come: closing over unread bytes may take our last words along."""
        with suppress(OSError):
            for _ in range(ROUNDS):
                if not self.sock.recv_into(self.pump.buffer):
                    return

    def close(self) -> None:
        """Leave the pump and close the socket. Idempotent."""
        if self.fd < 0:
            return
        self.pump.forget(self, closing=True)
        self.pump.retire(self.sock)
        self.fd = -1
        self.attended = False
        self.unsent = b""
        self.on_readable = self.on_drained = self.on_hangup = nothing

    def _drain(self) -> None:
        try:
            sent = self.sock.send(self.unsent)
        except BlockingIOError:
            return
        except OSError:
            self.unsent = b""
            self._watch()
            self.on_hangup()
            return
        self.unsent = self.unsent[sent:]
        if not self.unsent:
            self._watch()
            self.on_drained()

    def _watch(self, extra: int = 0) -> None:
        events = (IN if self.attended else extra) | (OUT if self.unsent else 0)
        if events != self.watched:
            self.pump.watch(self, events)

    def _ignore(self) -> None:
        """Something came that nobody wants now: out of the set, until somebody attends."""
        if self.unsent:
            self._watch()
        else:
            self.pump.forget(self)
