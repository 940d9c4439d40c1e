"""The management port: the protocol of the management socket over TCP, once somebody has proved who they are.

Who has not is a stranger: there are few of them at a time, each sends short messages only and has little time. When one
too many comes, the one that has been a stranger for longest has to go, for it is no admin's program. Whoever was let in
is treated like a program at the socket (connection.py), and asks with the role that the admins file gives them.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import dataclass
from functools import partial

from agroal.auth.guesses import Guesses
from agroal.auth.hba import Peer, peer_at
from agroal.management.admission import Admitted, Arrival
from agroal.management.audit import Audit
from agroal.management.connection import Connection, Manners, Sleep
from agroal.management.controls import Call, Controls
from agroal.management.dispatch import Dispatcher
from agroal.management.neutral import neutral
from agroal.management.stranger import Door, Stranger, Watch
from agroal.management.stream import PARTING, Stream, opened
from agroal.management.wire import Code

log = logging.getLogger("agroal.management")

IDLE, INTERVAL, PROBES = 30, 10, 3
"""Seconds of silence after which TCP asks whether the other end is there, between two such questions, and how many."""


@dataclass(frozen=True, slots=True)
class Bounds:
    strangers: int = 16
    """Connections that nobody has been let in on yet."""
    programs: int = 16
    """The others."""
    patience: float = 10.0
    """As of Manners."""


@dataclass(slots=True)
class _Program:
    """Somebody who was let in."""

    admitted: Admitted
    connection: Connection


class RemoteServer:
    """Serves whoever `take` is given, until `close`."""

    def __init__(
        self,
        door: Door,
        controls: Controls,
        dispatcher: Dispatcher,
        bounds: Bounds = Bounds(),
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`sleep` lets so many seconds of `controls.now` pass."""
        self._door = door
        self._controls = controls
        self._audit = Audit(dispatcher)
        self._bounds = bounds
        self._manners = Manners(bounds.patience, sleep)
        self._watch = Watch(door, Guesses(), sleep)
        self._strangers: dict[asyncio.Task[None], None] = {}
        self._programs: dict[asyncio.Task[None], _Program] = {}

    def take(self, sock: socket.socket, address: object) -> None:
        """Somebody has come: the socket, which is ours from now on, and where they come from."""
        assert isinstance(address, tuple)
        sock.setblocking(False)
        _keep_alive(sock)
        if len(self._strangers) >= self._bounds.strangers:
            first = next(iter(self._strangers))
            del self._strangers[first]
            first.cancel()
        label = f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
        serving = self._serve(sock, peer_at(address[0]), label)
        task = asyncio.get_running_loop().create_task(serving)
        self._strangers[task] = None
        task.add_done_callback(partial(self._gone, sock))

    def review(self) -> None:
        """Who may come in has changed: whoever could not come in as they did has to go."""
        for task, program in self._programs.items():
            came = program.admitted
            if (self._door.role(came.user), self._door.users.get(came.user)) != (came.role, came.secret):
                self._end(task, program.connection)

    async def close(self) -> None:
        """End all connections: those with a request under way after its answer."""
        for stranger in self._strangers:
            stranger.cancel()
        for task, program in self._programs.items():
            self._end(task, program.connection)
        if left := [*self._strangers, *self._programs]:
            await asyncio.wait(left, timeout=self._bounds.patience)
        for task in [*self._strangers, *self._programs]:
            task.cancel()

    def _end(self, task: asyncio.Task[None], connection: Connection) -> None:
        connection.closing = True
        if connection.resting:
            task.cancel()

    def _gone(self, sock: socket.socket, task: asyncio.Task[None]) -> None:
        self._strangers.pop(task, None)
        self._programs.pop(task, None)
        if task.cancelled():  # it had to go before it had begun
            sock.close()

    async def _serve(self, sock: socket.socket, peer: Peer, label: str) -> None:
        """The whole of it. Never raises."""
        until = self._door.now() + self._door.timeout
        stream: Stream | None = None
        try:
            async with asyncio.timeout(self._door.timeout):
                stream = await self._opened(sock, label)
            if stream:
                await self._serve_stranger(stream, peer, label, until)
                await stream.part()
        except (OSError, asyncio.CancelledError):
            pass  # gone, or does not read (TimeoutError), or has to go
        except Exception:
            log.exception("management: a connection ended by our mistake")
        finally:
            if stream:
                stream.writer.transport.abort()

    async def _opened(self, sock: socket.socket, label: str) -> Stream | None:
        try:
            return await opened(sock, self._door.offer)
        except OSError as error:
            self._door.handshake_failed()
            log.info("%s: TLS at the management port failed: %s", label, error.strerror or error)
            return None

    async def _serve_stranger(self, stream: Stream, peer: Peer, label: str, until: float) -> None:
        arrival = Arrival(peer, bool(stream.tls), stream.certified, stream.binding)
        stranger = Stranger(stream, arrival, label, self._watch, until)
        try:
            async with asyncio.timeout(max(0.0, until - self._door.now())):
                admitted = await stranger.admitted()
        except TimeoutError:
            async with asyncio.timeout(PARTING):
                await stranger.refuse(Code.TIMEOUT, f"nobody was let in within {self._door.timeout:g} s")
            return
        if admitted:
            await self._serve_program(stream, admitted, f"{admitted.user}@{label}")

    async def _serve_program(self, stream: Stream, admitted: Admitted, name: str) -> None:
        log.info("%s is let in as %s (%s)", neutral(name), admitted.role, stream.tls or "no TLS")
        call = Call(self._controls, admitted.role, name)
        connection = Connection(stream.reader, stream.writer, self._audit, call, self._manners)
        task = asyncio.current_task()
        assert task is not None
        if len(self._programs) >= self._bounds.programs:
            await connection.refuse(Code.BUSY, f"{self._bounds.programs} programs are connected: close one")
            return
        self._strangers.pop(task, None)
        self._programs[task] = _Program(admitted, connection)
        await connection.converse()


def _keep_alive(sock: socket.socket) -> None:
    """A program that has vanished without a word must not keep its place for hours."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", IDLE), ("TCP_KEEPINTVL", INTERVAL), ("TCP_KEEPCNT", PROBES)):
        if hasattr(socket, name):  # Linux has all three
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
