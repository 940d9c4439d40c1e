"""What is done with a server while no client has it: it is proved clean, asked whether it works, or seen off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from agroal.daemon.resetting import Reset
from agroal.errors import ClientFacing, PeerGone
from agroal.net.dial import hang_up
from agroal.net.link import Link, Parting
from agroal.net.plain import PlainLink
from agroal.net.server import Server
from agroal.pipeline.between import OutOfStep, probe, reset, reset_unheard
from agroal.pipeline.ledger import Dirt, judge
from agroal.pipeline.statements import Luggage
from agroal.pool.effects import CloseReason
from agroal.wire.codes import Status

log = logging.getLogger("agroal.pool")

RESET_TIMEOUT = 10.0
"""Seconds for the reset query."""
FINISH_TIMEOUT = 2.0
"""Seconds for what a client asked for before it said goodbye: PostgreSQL, too, finishes that first."""
FINISH_SIZE = 1 << 20
"""Bytes of answers to it. PostgreSQL gives up when the socket of a client that has left takes no more."""
VALIDATION_TIMEOUT = 5.0
"""Seconds in which a server that is validated must answer."""
HANG_UP_TIMEOUT = 10.0
"""Seconds that PostgreSQL gets to end a connection of ours before its slot is used again all the same."""
CANCEL_AGAIN = 1.0
"""Seconds after which it is asked once more to stop working: behind the query that was cancelled may be another."""
CLEAR = "DISCARD ALL"
"""The reset query that takes everything off a server."""
UNREACHABLE = (Dirt.LOST, Dirt.VIOLATION)
"""Who is in this state can't be asked to stop."""


CLOSE_REASONS: Final[Mapping[Dirt | None, CloseReason]] = {
    Dirt.LOST: CloseReason.LOST,
    Dirt.RESET_FAILED: CloseReason.RESET_FAILED,
    Dirt.SPOKE: CloseReason.SPOKE_WHILE_IDLE,
}


def close_reason(dirt: Dirt | None) -> CloseReason:
    """What the pool counts; any other dirt is plainly that."""
    return CLOSE_REASONS.get(dirt, CloseReason.DIRTY)


async def clean(server: Server, link: Link | None, query: str, cancel: Callable[[Server], object]) -> Dirt | None:
    """Make the server as good as new, with this reset query. Returns the first reason why that can't be.

    What its client asked for before saying goodbye is finished first. What it may be doing for a client that just went
    is cancelled: PostgreSQL would go on with it after the connection is closed. Cancel requests under way are waited
    for: they may not hit the reset, let alone the next client.
    """
    if isinstance(link, PlainLink):
        query = query or CLEAR  # nobody has noted what its client has left
    dirt = verdict(server, link)
    left_politely = link is not None and link.parting is Parting.TERMINATED
    if link and dirt is Dirt.OWES_ANSWERS and (left_politely or isinstance(link, PlainLink)):
        await link.hear_out(FINISH_TIMEOUT, FINISH_SIZE)
        dirt = verdict(server, link)
    if dirt and dirt not in UNREACHABLE:
        cancel(server)
    if server.cancels:
        await asyncio.wait(server.cancels)
    if dirt:
        return dirt
    judged: asyncio.Future[Dirt | None] = asyncio.get_running_loop().create_future()

    def heard(dirt: Dirt | None) -> None:
        if not judged.done():
            judged.set_result(dirt)

    _reset(server, link, query, heard)
    return await judged


def clean_at_once(server: Server, link: Link | None, query: str, finished: Callable[[Dirt | None], None]) -> bool:
    """As `clean`, where the reset is all that it takes: `finished` hears the verdict, and no task is needed.

    False where it takes more: nothing has been done then.
    """
    if server.cancels or verdict(server, link):
        return False
    _reset(server, link, query, finished)
    return True


def verdict(server: Server, link: Link | None) -> Dirt | None:
    """What the end of the link says about the server. No link: no client was ever joined to it."""
    if not server.fit:
        return Dirt.LOST
    if link is None:
        return None
    parting = link.parting
    if parting is Parting.SERVER_LOST or parting is None:
        return Dirt.LOST
    if parting is Parting.SERVER_VIOLATION:
        return Dirt.VIOLATION
    unsent = bool(server.channel.unsent)
    dirt = judge(link.tally, link.requests.scanner, link.answers.scanner, unsent)
    if parting is Parting.CLIENT_VIOLATION:  # half of the illegal message's header may have been passed on
        return dirt or Dirt.CLIENT_VIOLATION
    return dirt


async def undress(server: Server) -> None:
    """Take everything off a server that clients of the transaction pipeline had. Raises as `Server.converse` does."""
    await server.converse(reset(Status.IDLE, CLEAR, server.parameters), RESET_TIMEOUT)
    _forget(server, CLEAR)
    server.worn = server.wanted = {}


async def works(server: Server) -> bool:
    """Whether a server that nobody uses answers a query in time, and says nothing before or after."""
    if server.channel.peek() is not None:
        log.info("%r closed the connection, or spoke, before it was asked whether it works", server)
        return False
    try:
        await server.converse(probe(server.parameters), VALIDATION_TIMEOUT)
    except (ClientFacing, OutOfStep, TimeoutError, PeerGone) as error:
        log.info("%r does not work any more: %s", server, str(error) or "no answer in time")
        return False
    return not server.channel.unread and server.channel.peek() is None


async def see_off(server: Server, cancel: Callable[[Server], object]) -> None:
    """End the connection. Returns when it is gone on PostgreSQL's side too, and so are the cancel requests for it."""
    gone = asyncio.create_task(hang_up(server.channel, HANG_UP_TIMEOUT))
    while not (await asyncio.wait([gone], timeout=CANCEL_AGAIN))[0]:
        if not server.cancels:
            cancel(server)
    if server.cancels:
        await asyncio.wait(server.cancels)


def _reset(server: Server, link: Link | None, query: str, finished: Callable[[Dirt | None], object]) -> None:
    """Run the reset query, and prove that the server says nothing more."""

    def ended(worn: Mapping[str, str] | None, error: Exception | None) -> None:
        server.worn = worn or {}
        if query:
            _forget(server, query)
        finished(_failure(server, error) if error else _silence(server))

    status = link.tally.status if link else Status.IDLE
    if isinstance(link, PlainLink):
        server.talk(reset_unheard(status, query, server.parameters), RESET_TIMEOUT, ended)
    elif query and status == Status.IDLE:
        Reset(server, query, ended).start(RESET_TIMEOUT)
    else:
        server.talk(reset(status, query, server.parameters, server.wanted), RESET_TIMEOUT, ended)


def _failure(server: Server, error: Exception) -> Dirt:
    match error:
        case ClientFacing() | OutOfStep() | TimeoutError():
            log.warning("%r: reset failed: %s", server, str(error) or "no answer in time")
            return Dirt.RESET_FAILED
        case PeerGone():
            return Dirt.LOST
    log.error("internal error: %r is closed", server, exc_info=error)
    return Dirt.UNKNOWN


def _silence(server: Server) -> Dirt | None:
    following = server.channel.unread or server.channel.peek()
    if following is None:
        return None
    return Dirt.SPOKE if following else Dirt.LOST


def _forget(server: Server, query: str) -> None:
    """What clients of the transaction pipeline had put on the server has been taken off, or may have been."""
    server.outfit = None
    if not _clears(query):
        server.luggage.doubt()
    elif server.luggage.is_any or server.others:
        server.luggage, server.others = Luggage.none(), {}


@lru_cache(16)
def _clears(query: str) -> bool:
    """Whether it takes everything off a server."""
    return query.strip("; \t\n").upper() == CLEAR
