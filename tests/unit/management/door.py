"""The management port with somebody's hand on the door: who may come in is said by its fields."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from agroal.auth.binding import server_end_point
from agroal.auth.hba import Peer
from agroal.auth.ident import Usermap
from agroal.auth.users import Users
from agroal.config.model import HbaLine, HbaType, Method, Name, Scope
from agroal.management.controls import Role
from agroal.management.dispatch import Dispatcher
from agroal.management.reach import ALPN
from agroal.management.remote import RemoteServer
from agroal.management.stream import Offer
from tests.certificates import Authority, Identity
from tests.unit.management.fake import FakeControls

OPS, EYE = "a word for ops", "a word for eye"
NONCE = "00" * 18
LINE = HbaLine(
    "agroal_hba.conf", 1, HbaType.HOST, (Name("admin"),), (Name("all", True),), Scope.ALL, Method.SCRAM_SHA_256
)


@dataclass
class FakeDoor:
    """Lets `ops` in as an admin and `eye` as a monitor."""

    users: Users = field(default_factory=lambda: Users({"ops": OPS, "eye": EYE}, b"key"))
    roles: dict[str, Role] = field(default_factory=lambda: {"ops": Role.ADMIN, "eye": Role.MONITOR})
    hba: HbaLine | None = LINE
    map: Usermap | None = None
    offer: Offer | None = None
    timeout: float = 5.0
    clock: float = 100.0
    asked: list[tuple[str, str, bool]] = field(default_factory=list)
    """Whose HBA line: user, host, encrypted."""
    turned_away: list[tuple[str, str, str]] = field(default_factory=list)
    handshakes: int = 0
    """That came to nothing."""

    def role(self, user: str) -> Role | None:
        return self.roles.get(user)

    def line(self, user: str, peer: Peer, *, encrypted: bool) -> HbaLine | None:
        self.asked.append((user, peer.host, encrypted))
        return self.hba

    def usermap(self, line: HbaLine) -> Usermap | None:
        return self.map

    def now(self) -> float:
        return self.clock

    def token(self, length: int) -> bytes:
        return bytes(length)

    def refused(self, user: str, host: str, why: str) -> None:
        self.turned_away.append((user, host, why))

    def handshake_failed(self) -> None:
        self.handshakes += 1


def offer_of(identity: Identity, authority: Authority | None = None) -> Offer:
    """TLS with this certificate; with an authority, to those only who have one of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.cert_file, identity.key_file)
    context.set_alpn_protocols([ALPN])
    if authority:
        context.load_verify_locations(authority.ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return Offer(context, server_end_point(ssl.PEM_cert_to_DER_cert(identity.cert_file.read_text())))


@asynccontextmanager
async def at_the_door(
    door: FakeDoor, controls: FakeControls, **options: Any
) -> AsyncIterator[tuple[RemoteServer, int]]:
    """A RemoteServer and its port, until it is closed."""
    server = RemoteServer(door, controls, Dispatcher(), **options)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    taking = asyncio.create_task(_take(listener, server))
    try:
        yield server, listener.getsockname()[1]
    finally:
        taking.cancel()
        await asyncio.wait([taking])
        listener.close()
        await server.close()


async def _take(listener: socket.socket, server: RemoteServer) -> None:
    while True:
        server.take(*await asyncio.get_running_loop().sock_accept(listener))


@contextmanager
def door_open(door: FakeDoor, controls: FakeControls, **options: Any) -> Iterator[int]:
    """The port of one on a loop of its own, for synchronous code."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    serving = at_the_door(door, controls, **options)
    try:
        _, port = asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result()
        yield port
        asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
