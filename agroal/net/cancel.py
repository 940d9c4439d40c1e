"""Cancel requests: keys of our own for clients, and their translation to the server that serves them just now.

A client's key says nothing about a server's. A request is passed on only while its client holds a server, and that
server goes to nobody else before PostgreSQL has closed the connection which carried the request: from then on the
signal has been sent, and can't hit the next client (PostgreSQL, `SendCancelRequest`; PgBouncer issue 717).
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable
from typing import Protocol

from agroal.errors import PeerGone, ServerUnavailable
from agroal.net.chosen import Pump
from agroal.net.dial import hang_up, open_channel
from agroal.net.listen import SocketOptions
from agroal.net.server import Server
from agroal.wire.startup import build_cancel

log = logging.getLogger("agroal.cancel")

NUMBER_LENGTH = 4
"""Bytes of a key that find its session. They are no secret; the rest of the key proves the right to cancel."""
SECRET_LENGTH, LONG_SECRET_LENGTH = 4, 32
"""Bytes of that rest: as protocol 3.0 has it, and as PostgreSQL does it in 3.2."""
CANCEL_TIMEOUT = 10.0
"""Seconds for reaching the server and for its answer, which is to close the connection."""


class Cancellable(Protocol):
    """A session, as far as cancelling is concerned."""

    @property
    def serving(self) -> Server | None:
        """The server that its client holds now."""

    def cancel_wait(self) -> None:
        """Take it out of the queue, if it is in it."""


class Cancels:
    """The keys given out, and whom they belong to."""

    def __init__(self, pump: Pump, options: SocketOptions, token: Callable[[int], bytes]) -> None:
        self._pump = pump
        self.options = options
        self._token = token
        self._sessions: dict[bytes, tuple[bytes, Cancellable]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def key_for(self, session: Cancellable, *, long: bool = False) -> bytes:
        """A fresh key, long for a client of protocol 3.2. `forget` it when the session ends."""
        length = NUMBER_LENGTH + (LONG_SECRET_LENGTH if long else SECRET_LENGTH)
        while (key := self._token(length))[:NUMBER_LENGTH] in self._sessions:
            pass
        self._sessions[key[:NUMBER_LENGTH]] = (key, session)
        return key

    def forget(self, key: bytes) -> None:
        """The session with this key has ended."""
        self._sessions.pop(key[:NUMBER_LENGTH], None)

    def request(self, key: bytes) -> asyncio.Task[None] | None:
        """Act on a client's request. A key that is nobody's is ignored without a word, as PostgreSQL does.

        Returns the task that carries the request to the server, if one was needed.
        """
        known, session = self._sessions.get(key[:NUMBER_LENGTH], (b"", None))
        if session is None or not hmac.compare_digest(known, key):
            return None
        server = session.serving
        if server is None:
            session.cancel_wait()
            return None
        return self.send(server)

    def send(self, server: Server) -> asyncio.Task[None] | None:
        """Cancel what the server is doing. The server is not to be used again before the task is done."""
        if not server.cancel_key:
            return None
        task = asyncio.get_running_loop().create_task(self._carry(server))
        server.cancels.add(task)
        task.add_done_callback(server.cancels.discard)
        return task

    async def _carry(self, server: Server) -> None:
        """Encrypted, if the server's connection is: the key must not be seen where the queries are not."""
        try:
            async with asyncio.timeout(CANCEL_TIMEOUT):
                channel = await open_channel(self._pump, server.address, self.options, server.policy)
        except (ServerUnavailable, PeerGone, TimeoutError) as error:
            log.warning("a cancel request could not reach %s: %s", server.address, str(error) or "no answer in time")
            return
        try:
            channel.write(build_cancel(server.cancel_key))
        except OSError:
            channel.close()
        else:
            await hang_up(channel, CANCEL_TIMEOUT, farewell=b"")
