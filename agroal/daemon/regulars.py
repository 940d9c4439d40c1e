"""Clients whose first words came before, byte for byte and from the same address: what they mean need not be found out
again, and by which line of the HBA file they are let in, or have to prove who they are.

All of that holds as long as the configuration and the users are the same. Strangers are remembered as well as those
whom we know, before they prove anything: how soon they are answered must not tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import is_
from typing import TYPE_CHECKING, Final

from agroal.auth.accept import TRUSTED, Accepted, asks_for_scram
from agroal.auth.mac import Macs
from agroal.auth.scram import Verifier
from agroal.auth.users import Users
from agroal.config.choices import Pipeline
from agroal.config.model import Method
from agroal.errors import ClientFacing
from agroal.pool.slot import PoolKey
from agroal.wire.startup import SHORT, StartupMessage, requested_settings

if TYPE_CHECKING:
    from agroal.daemon.session import Session

REMEMBERED: Final = 256
"""Packets; clients choose what is in them."""
_HEAD: Final = 8
"""Bytes of the length and the version, which begin a packet."""


@dataclass(frozen=True, slots=True, eq=False)
class Challenge:
    """What a user's proof is measured by."""

    verifier: Verifier
    macs: Macs
    doomed: bool
    """As `Users.challenge` says."""
    teaches: bool
    """The proof shows what we don't have of the user's password."""


@dataclass(frozen=True, slots=True, eq=False)
class Regular:
    """What is known of such clients."""

    startup: StartupMessage
    wanted: Mapping[str, str]
    """The settings that they ask for."""
    key: PoolKey
    pipeline: Pipeline
    accepted: Accepted
    """How they are let in."""
    challenge: Challenge | None
    """For SCRAM. None: who says this is trusted."""


class Regulars:
    """All of them."""

    def __init__(self) -> None:
        self._judges: tuple[object, object, object] = (None, None, None)
        """What they were judged by. It is kept, so that nothing else can be taken for it."""
        self._known: dict[tuple[bytes, str], Regular] = {}

    def recognise(self, session: Session, packet: bytes) -> Regular | None:
        """Who says this, if the same has been said before, and if nothing stands against it now."""
        regular, daemon = self._known.get((packet, session.peer.host)), session.daemon
        if regular is None or daemon.stopping or daemon.is_crowded:
            return None
        rules, users, lookup = self._judges
        if daemon.rules is rules and daemon.passwords.users is users and daemon.lookup is lookup:
            return regular
        return None

    def remember(self, session: Session, method: Method) -> None:
        """If the client's first words come again, this method is for them. Its channel is not encrypted."""
        daemon, startup, packet = session.daemon, session.startup, session.said
        if startup is None or startup.negotiable or not _is_whole(packet):
            return
        users, unknown_allowed = daemon.passwords.users, daemon.settings.allow_unknown_users
        challenge = None
        if asks_for_scram(method, startup.user, users, unknown_allowed):
            challenge = _challenge(users, startup.user)
        elif method is not Method.TRUST or not (unknown_allowed or startup.user in users):
            return
        try:
            wanted = requested_settings(startup)
        except ClientFacing:
            return
        judges = _judges(session)
        if len(self._known) >= REMEMBERED or not all(map(is_, self._judges, judges)):
            self._judges, self._known = judges, {}
        key = daemon.key(startup, TRUSTED)  # as for all whose password is not for the server to judge
        pipeline = daemon.pipelines.of(key)
        accepted = Accepted(method) if challenge else TRUSTED
        self._known[packet, session.peer.host] = Regular(startup, wanted, key, pipeline, accepted, challenge)


def _judges(session: Session) -> tuple[object, object, object]:
    daemon = session.daemon
    return daemon.rules, daemon.passwords.users, daemon.lookup


def _challenge(users: Users, user: str) -> Challenge:
    verifier, doomed = users.challenge(user)
    secret = users.get(user)
    macs = Macs.of(verifier.stored_key, verifier.server_key)
    return Challenge(verifier, macs, doomed, teaches=secret is not None and secret.password is None)


def _is_whole(packet: bytes) -> bool:
    """Whether this is one StartupMessage, and nothing else was said before or after it."""
    return _HEAD < len(packet) <= SHORT and int.from_bytes(packet[:4]) == len(packet) and packet[4:6] == b"\0\3"
