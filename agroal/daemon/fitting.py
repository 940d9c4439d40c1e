"""Giving a server the settings of a client of the transaction pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from agroal.daemon.preparing import preparing
from agroal.errors import ServerRefused
from agroal.net.server import Server
from agroal.pipeline.between import dress
from agroal.pipeline.outfit import Fitted, changes, wanted

if TYPE_CHECKING:
    from agroal.daemon.session import Session


async def fit(server: Server, reported: Mapping[str, str], others: Mapping[str, str], seconds: float) -> None:
    """Make a server of the transaction pipeline have these settings. Raises ServerLost, ServerRefused."""
    different = list(changes(reported, others, server.parameters, server.others))
    server.wanted = server.worn = {}
    with preparing(server):
        if different:
            await server.converse(dress(different, server.parameters), seconds)
    server.others = dict(others)


async def fit_for(session: Session, settings: dict[str, str]) -> Fitted:
    """What comes of the settings that a client asks for: PostgreSQL knows, if nobody has asked for the same before.

    Raises ClientFacing, PeerGone.
    """
    daemon, shell, key = session.daemon, session.daemon.pool, session.key
    asked = frozenset(settings.items())
    if base := shell.bases.get(key):
        known = daemon.wardrobe.known((key, tuple(base.items()), asked))
        if known:
            return known
    lease = await shell.lease(session)
    server = lease.server
    try:
        reported, others = wanted(settings, server.base)
        await fit(server, reported, others, daemon.settings.connect_timeout)
    except BaseException as error:
        if isinstance(error, ServerRefused) and not server.channel.unread:  # one statement: it has done nothing
            shell.put_back(lease)
        else:
            shell.discard(lease)
        raise
    server.outfit = daemon.wardrobe.outfit(server.parameters, others)
    fitted = daemon.wardrobe.fitted((key, tuple(server.base.items()), asked), server.outfit, server.parameters)
    shell.put_back(lease)
    return fitted
