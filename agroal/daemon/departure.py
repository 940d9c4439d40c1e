"""The coming and going of clients, in the log: `log_connections`, `log_disconnections`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agroal.daemon.about import Fields, What, about, said
from agroal.errors import ClientFacing, PeerGone
from agroal.management.phrases import amount, counted
from agroal.management.times import duration, microseconds

if TYPE_CHECKING:
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.session")


@contextmanager
def followed(session: Session, began: float | None = None) -> Iterator[None]:
    """A client that has been let in is served. What ends it is said once, whatever it is, and goes on its way.

    `began`: when it came, if that has been said.
    """
    began = came(session) if began is None else began
    error: BaseException | None = None
    try:
        yield
    except BaseException as what:
        error = what
        raise
    finally:
        left(session, began, error)


def came(session: Session) -> float:
    """Returns when that was."""
    daemon = session.daemon
    if daemon.settings.log_connections:
        who = "connect: %s application_name=%s"
        log.info(who, session, session.application_name, extra=said(event=What.CONNECT))
    return daemon.now()


def left(session: Session, began: float, error: BaseException | None = None) -> None:
    """`began`: when it came. `error`: what ended it, if it was none of the two sides."""
    if session.daemon.settings.log_disconnections:
        _tell(session, error, session.daemon.now() - began)


def client_fields(session: Session) -> Fields:
    """What a line tells of a client."""
    startup = session.startup
    fields = Fields(number=session.number, client=session.client.label)
    if startup:
        fields.update({"user": startup.user, "database": startup.database, "application": session.application_name})
    if server := session.serving:
        fields.update(about(server))
    if (slot := session.slot) is not None:
        fields["slot"] = slot
    return fields


def _tell(session: Session, error: BaseException | None, seconds: float) -> None:
    reason, why = _reason(session, error)
    traffic = session.traffic
    did = f"{_of(traffic.queries, 'query', 'queries')}, {counted(traffic.transactions, 'transaction')}"
    crossed = f"{amount(traffic.bytes_in)} in, {amount(traffic.bytes_out)} out"
    fields = Fields(
        event=What.DISCONNECT,
        reason=reason,
        seconds=round(seconds, 6),
        queries=traffic.queries,
        transactions=traffic.transactions,
        bytes_in=traffic.bytes_in,
        bytes_out=traffic.bytes_out,
    )
    if not session.taker:  # one that takes turns has whichever is free
        fields["servers"] = int(session.link is not None)
    lasted = duration(microseconds(seconds))
    log.info("disconnect: %s after %s: %s (%s, %s)", session, lasted, why, did, crossed, extra=said(**fields))


def _reason(session: Session, error: BaseException | None) -> tuple[str, str]:
    """What ended it, for programs and for people."""
    match error:
        case asyncio.CancelledError() if session.interruption:
            return _reason(session, session.interruption)
        case ClientFacing():
            return error.fields()["C"], error.message
        case PeerGone():
            return "client_gone", str(error)
        case None if session.link and (parting := session.link.parting):
            return parting.name.lower(), parting.value
        case None:
            return "terminated", "it was not served"
    return "internal", f"internal error of agroal: {type(error).__name__}"


def _of(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
