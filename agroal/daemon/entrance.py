"""Letting a client in: the encryption, who it says it is, the line of the HBA file for it, and the proof."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agroal.auth.accept import Accepted, Dice, accept, negotiate, permit
from agroal.auth.ident import Usermap
from agroal.auth.users import Users
from agroal.config.model import HbaLine, Method
from agroal.daemon.about import What, said
from agroal.daemon.console import NAMES, Caller
from agroal.errors import AuthenticationTimedOut, LookupFailed, ShuttingDown
from agroal.net.converse import converse
from agroal.net.tls import TlsFailed, Upgrade, common_name
from agroal.wire.startup import CancelRequest, StartupMessage
from agroal.wire.talk import Talk, begins_encrypted

if TYPE_CHECKING:
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.session")

BY_SECRET: Final = (Method.PASSWORD, Method.MD5, Method.SCRAM_SHA_256, Method.ALL)
"""Methods by which a client shows that it knows something."""
NONCE: Final = 18
"""Bytes of our part of it, as PostgreSQL's."""
NOT_THROWN: Final = Dice("", b"")
"""For the other methods."""

Entered = tuple[StartupMessage, Accepted]


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a client says it is, and the line of the HBA file by which it has to prove that."""

    startup: StartupMessage
    line: HbaLine


Introduced = CancelRequest | Claim | Caller | Entered
"""What a client wants, and who it is as far as that is known without asking PostgreSQL."""


def upgrade_of(session: Session) -> Upgrade | None:
    """How the client's channel can be encrypted."""
    return session.daemon.encryption.clients if session.peer.address else None


async def let_in(
    session: Session, introduced: Callable[[], Introduced] | None = None
) -> CancelRequest | Caller | Entered:
    """From the first byte to the proof of who it is, within `authentication_timeout`. Raises ClientFacing, PeerGone.

    `introduced` returns, or raises, what has come of `introduce`, if that is over.
    """
    daemon, client = session.daemon, session.client
    seconds, upgrade = daemon.settings.authentication_timeout, upgrade_of(session)
    until = session.since + seconds
    try:
        if introduced:
            came = introduced()
        else:
            came = await converse(client, introduce(session, upgrade), seconds=seconds, upgrade=upgrade, at_once=True)
        if isinstance(came, Claim):
            users = await _looked_up(session, came.startup.user, until)
            talk = _prove(session, came, users, upgrade, unknown_allowed=False)
            came = await converse(client, talk, seconds=until - daemon.now())
    except TimeoutError:
        raise AuthenticationTimedOut("canceling authentication due to timeout") from None
    except TlsFailed as error:
        daemon.totals.tls_failures += 1
        log.info("%s", error, extra=said(event=What.REFUSED, reason="tls", client=client.label))
        raise
    return came


def introduce(session: Session, upgrade: Upgrade | None) -> Talk[Introduced]:
    """Who it says it is, and the proof of it, unless PostgreSQL is to be asked before: the user is not in the vault."""
    daemon, client = session.daemon, session.client
    secured = upgrade is not None and (yield from begins_encrypted())
    packet = yield from negotiate(upgrade is not None, secured=secured)
    if isinstance(packet, CancelRequest):
        return packet
    session.startup = packet
    if daemon.consoles.is_meant(session, packet):
        return (yield from daemon.consoles.admit(session, packet, upgrade))
    if daemon.is_crowded:
        raise daemon.crowded()
    if daemon.stopping:
        raise ShuttingDown("agroal is shutting down")
    encrypted, address = client.encrypted, session.peer.host
    line = daemon.hba_line(packet, session.peer, encrypted=encrypted)
    line = permit(line, packet, address, encrypted=encrypted, certified=common_name(client))
    claim, users = Claim(packet, line), daemon.passwords.users
    if daemon.lookup and line.method in BY_SECRET and packet.user not in users:
        return claim
    if not encrypted and packet.database not in NAMES:  # what those mean depends on more
        daemon.regulars.remember(session, line.method)
    unknown_allowed = daemon.settings.allow_unknown_users
    return (yield from _prove(session, claim, users, upgrade, unknown_allowed=unknown_allowed))


async def _looked_up(session: Session, user: str, until: float) -> Users:
    """What PostgreSQL knows of this user, as if it were in the vault; nobody, if that is nothing. Raises LookupFailed.

    Who was asked when there was a reload may not be the one to ask any more.
    """
    daemon = session.daemon
    async with asyncio.timeout(until - daemon.now()):
        while lookup := daemon.lookup:
            try:
                secret = await lookup.secret_of(user)
            except LookupFailed:
                if lookup is daemon.lookup:
                    raise
            else:
                return daemon.passwords.measure({user: secret} if secret else {})
    raise LookupFailed


def _prove(
    session: Session, claim: Claim, users: Users, upgrade: Upgrade | None, *, unknown_allowed: bool
) -> Talk[Entered]:
    daemon, client, line, packet = session.daemon, session.client, claim.line, claim.startup
    by_secret = line.method in BY_SECRET
    session.accepted = accepted = yield from accept(
        line.method,
        packet.user,
        users,
        unknown_allowed,
        Dice(daemon.token(NONCE).hex(), daemon.token(4)) if by_secret else NOT_THROWN,
        binding=upgrade.binding if upgrade and client.encrypted else None,
        certified=common_name(client),
        usermap=Usermap.of(line, daemon.configuration.ident) if line.method is Method.CERT else None,
    )
    count_in(session, packet.user, accepted, users)
    return packet, accepted


def count_in(session: Session, user: str, accepted: Accepted, users: Users, *, teaches: bool = True) -> None:
    """The user has come in; what has been shown of a password that we don't have is remembered.

    `teaches` is False if it is known that we have it.
    """
    daemon = session.daemon
    if teaches and accepted.method in BY_SECRET and (secret := users.get(user)) and secret.password is None:
        daemon.dialler.learn(user, secret, accepted)
    if accepted.method != Method.TRUST and not accepted.unproved:
        daemon.totals.authenticated += 1
