"""Letting a client in: the encryption, who it says it is, the line of the HBA file for it, and the proof."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from agroal.auth.accept import Accepted, Dice, accept, negotiate, permit
from agroal.auth.ident import Usermap
from agroal.config.model import Method
from agroal.errors import AuthenticationTimedOut, ShuttingDown
from agroal.net.converse import converse
from agroal.net.tls import TlsFailed, Upgrade, begins_with_tls, common_name, secure_directly
from agroal.wire.startup import CancelRequest, StartupMessage
from agroal.wire.talk import Talk

if TYPE_CHECKING:
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.session")

Entered = tuple[StartupMessage, Accepted]


async def let_in(session: Session) -> CancelRequest | Entered:
    """From the first byte to the proof of who it is, within `authentication_timeout`. Raises ClientFacing, PeerGone."""
    daemon, client = session.daemon, session.client
    seconds = daemon.settings.authentication_timeout
    upgrade = daemon.encryption.clients if session.peer.address else None
    try:
        secured = upgrade is not None and await _begins_encrypted(session, upgrade, seconds)
        talk = _log_in(session, tls=upgrade is not None, secured=secured)
        return await converse(client, talk, seconds=seconds, upgrade=upgrade)
    except TimeoutError:
        raise AuthenticationTimedOut("canceling authentication due to timeout") from None
    except TlsFailed as error:
        daemon.totals.tls_failures += 1
        log.info("%s", error)
        raise


async def _begins_encrypted(session: Session, upgrade: Upgrade, seconds: float) -> bool:
    """Whether it is “direct TLS”: the handshake comes before anything else."""
    async with asyncio.timeout(seconds):
        if not await begins_with_tls(session.client):
            return False
        await secure_directly(session.client, upgrade)
        return True


def _log_in(session: Session, *, tls: bool, secured: bool) -> Talk[CancelRequest | Entered]:
    daemon, client = session.daemon, session.client
    packet = yield from negotiate(tls, secured=secured)
    if isinstance(packet, CancelRequest):
        return packet
    session.startup = packet
    if daemon.is_crowded:
        raise daemon.crowded()
    if daemon.stopping:
        raise ShuttingDown("agroal is shutting down")
    encrypted, certified = client.encrypted, common_name(client)
    line = permit(
        daemon.hba_line(packet, session.peer, encrypted=encrypted),
        packet,
        str(session.peer.address or "[local]"),
        encrypted=encrypted,
        certified=certified,
    )
    session.accepted = yield from accept(
        line.method,
        packet.user,
        daemon.users,
        daemon.settings.allow_unknown_users,
        Dice(daemon.token(18).hex(), daemon.token(4)),
        binding=daemon.encryption.binding if encrypted else None,
        certified=certified,
        usermap=Usermap.of(line, daemon.configuration.ident) if line.method is Method.CERT else None,
    )
    if session.accepted.method != Method.TRUST and not session.accepted.unproved:
        daemon.totals.authenticated += 1
    return packet, session.accepted
