"""What a client is told when it was not the one who ended it."""

from __future__ import annotations

import asyncio

from agroal.errors import PeerGone, ServerLost
from agroal.net.chosen import Channel
from agroal.net.link import Link, Parting

LINGER = 10.0
"""Seconds that a client which does not read gets to take the last words of its server."""


async def say_why(link: Link, parting: Parting) -> None:
    """Raises what ended the link, unless the client knows: ProtocolViolation, ServerLost, PeerGone."""
    match parting:
        case Parting.REFUSED:
            assert link.refusal
            raise link.refusal
        case Parting.CLIENT_VIOLATION:
            assert link.violation
            raise link.violation
        case Parting.SERVER_LOST | Parting.SERVER_VIOLATION:
            await _linger(link.client)
            if not link.tally.fatal and is_between_messages(link):
                raise ServerLost("server closed the connection unexpectedly")


async def _linger(client: Channel) -> None:
    """Let a slow client take what is kept for it, for a bounded time."""
    if not client.unsent:
        return
    drained = asyncio.Event()
    client.on_drained = client.on_hangup = drained.set
    try:
        async with asyncio.timeout(LINGER):
            await drained.wait()
    except TimeoutError:
        raise PeerGone(f"{client.label} did not take the last words of its server") from None


def is_between_messages(link: Link) -> bool:
    """Whether something of ours can be said to the client, and not in the middle of a message."""
    return link.tells_messages_apart and link.answers.scanner.between_messages
