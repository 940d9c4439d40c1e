"""What a client is told when it was not the one who ended it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from agroal.daemon.about import What, said
from agroal.errors import (
    AuthenticationFailed,
    ClientFacing,
    NotPermitted,
    PeerGone,
    ProtocolViolation,
    ServerLost,
    UnsupportedProtocol,
)
from agroal.net.chosen import Channel
from agroal.net.link import Link, Parting
from agroal.wire import backend

if TYPE_CHECKING:
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.session")

LINGER = 10.0
"""Seconds that a client which does not read gets to take the last words of its server."""
SUSPICIOUS = (AuthenticationFailed, NotPermitted, ProtocolViolation, UnsupportedProtocol)
"""What an administrator may want to hear of without asking."""


def refuse(session: Session, error: ClientFacing) -> None:
    """Tell the client why it ends here, if it can still be told."""
    daemon, client = session.daemon, session.client
    daemon.totals.errors[type(error).__name__] += 1
    if isinstance(error, AuthenticationFailed | NotPermitted) and (startup := session.startup):
        daemon.totals.rejected += 1
        daemon.failures.add(startup.user, startup.database, session.peer.host, error.message, daemon.now())
    level = logging.WARNING if isinstance(error, SUSPICIOUS) else logging.INFO
    code = error.fields()["C"]
    log.log(level, "%s is refused: %s: %s", session, code, error.message, extra=said(event=What.REFUSED, reason=code))
    midway = session.link is not None and not is_between_messages(session.link)
    if client.closed or client.unsent or midway:
        return
    try:
        client.write(backend.error_response(error))
        client.drop_unread()
    except OSError:
        log.debug("%s hung up before it could be told", session)


async def bid_farewell(session: Session, link: Link, parting: Parting) -> None:
    """As `say_why`; that the protocol was broken is for the log as well."""
    if link.violation:
        fields = said(event=What.VIOLATION, reason=parting.name.lower())
        log.warning("%s: %s: %s", session, parting.value, link.violation.detail, extra=fields)
    await say_why(link, parting)


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
