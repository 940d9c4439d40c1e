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

from agroal.errors import ServerUnavailable
from agroal.net.dial import Address, Server, hang_up, reach
from agroal.net.listen import SocketOptions
from agroal.net.pump import Pump
from agroal.wire.startup import build_cancel

log = logging.getLogger("agroal.cancel")

KEY_LENGTH = 8
"""Bytes, as protocol 3.0 has it: a number that finds the session, and a secret that proves the right to cancel."""
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

    def key_for(self, session: Cancellable) -> bytes:
        """A fresh key. `forget` it when the session ends."""
        while (key := self._token(KEY_LENGTH))[:4] in self._sessions:
            pass
        self._sessions[key[:4]] = (key, session)
        return key

    def forget(self, key: bytes) -> None:
        """The session with this key has ended."""
        self._sessions.pop(key[:4], None)

    def request(self, key: bytes) -> asyncio.Task[None] | None:
        """Act on a client's request. A key that is nobody's is ignored without a word, as PostgreSQL does.

        Returns the task that carries the request to the server, if one was needed.
        """
        known, session = self._sessions.get(key[:4], (b"", None))
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
        task = asyncio.get_running_loop().create_task(self._carry(server.address, server.cancel_key))
        server.cancels.add(task)
        task.add_done_callback(server.cancels.discard)
        return task

    async def _carry(self, address: Address, key: bytes) -> None:
        try:
            async with asyncio.timeout(CANCEL_TIMEOUT):
                channel = await reach(self._pump, address, self.options)
        except (ServerUnavailable, TimeoutError) as error:
            log.warning("a cancel request could not reach %s: %s", address, error)
            return
        try:
            channel.write(build_cancel(key))
        except OSError:
            channel.close()
        else:
            await hang_up(channel, CANCEL_TIMEOUT, farewell=b"")
