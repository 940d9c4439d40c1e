"""What a client is told while it waits."""

from __future__ import annotations

from agroal.errors import ClientFacing
from agroal.pool.slot import PoolKey
from agroal.wire.backend import notice_response


def waiting(key: PoolKey, position: int, error: ClientFacing | None, *, paused: bool) -> bytes:
    """Where it stands in the queue, and why it is there: what PostgreSQL said last, or that its database is paused."""
    detail = f"The last connect failed: {error}" if error else ""
    if paused:
        detail = "The database is paused by an administrator. Nobody is refused for that, and no timeout runs."
    text = f'waiting for a connection of user "{key.user}" to database "{key.database}", position {position}'
    return notice_response(text, detail)
