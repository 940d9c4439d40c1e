"""Clients of the SQL console: who may use it, and what carries their words and errands.

It needs no server and no slot, so it is there while PostgreSQL is not, and while clients wait. Whoever is not meant by
it does not see it: without an admins file a database that happens to be called `pgbouncer` is PostgreSQL's.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agroal.auth.accept import Dice, accept, failed, permit
from agroal.auth.guesses import Guesses
from agroal.auth.ident import Usermap
from agroal.auth.users import Secret
from agroal.config.model import HbaLine, Method
from agroal.console.face import Face
from agroal.daemon.controls import DaemonControls
from agroal.daemon.state import State
from agroal.errors import AuthenticationFailed, ManagementError, Terminated, TooManyClients
from agroal.management.controls import Call, Role
from agroal.management.dispatch import Dispatcher
from agroal.management.neutral import neutral
from agroal.management.peer import credentials_of, peer_of
from agroal.management.record import Record
from agroal.net.tls import Upgrade, common_name
from agroal.wire.codes import PROTOCOL_3_2
from agroal.wire.startup import StartupMessage, requested_settings
from agroal.wire.talk import Talk

if TYPE_CHECKING:
    from agroal.console.averages import Averages
    from agroal.console.commands import Errand
    from agroal.daemon.daemon import Daemon
    from agroal.daemon.session import Session

log = logging.getLogger("agroal.console")

NAMES: Final = frozenset(Face)


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that has been let in to the console."""

    startup: StartupMessage
    secret: Secret | None
    """What it had to know; None for who runs as the daemon itself."""

    @property
    def face(self) -> Face:
        return Face(self.startup.database)


class Consoles:
    """Those of one daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._dispatcher = Dispatcher()
        self._averages: Averages | None = None
        self._guesses = Guesses()
        self._busy: set[Session] = set()

    def __len__(self) -> int:
        """How many clients there are."""
        return len(self._busy)

    def is_meant(self, session: Session, packet: StartupMessage) -> bool:
        """Whether the client wants the console, and not a database of that name."""
        return packet.database in NAMES and (bool(self._daemon.admins.users) or _is_ourselves(session))

    def admit(self, session: Session, packet: StartupMessage, upgrade: Upgrade | None) -> Talk[Caller]:
        """Make the client prove that it is an admin, by SCRAM or by certificate, whatever else lets clients in.

        Who is none is refused as with a wrong password. Who runs as the daemon itself may do all that it does, and
        needs no proof. Raises ClientFacing.
        """
        requested_settings(packet)  # raises, where it asks for what nobody gets
        if _is_ourselves(session):
            return Caller(packet, None)
        line = self._permitted(session, packet)
        yield from self._prove(session, packet, line, upgrade)
        secret = self._daemon.admins.secret(packet.user)
        if secret is None:  # the file was read anew meanwhile
            raise failed(packet.user)
        self._daemon.totals.authenticated += 1
        return Caller(packet, secret)

    def _permitted(self, session: Session, packet: StartupMessage) -> HbaLine:
        client, peer = session.client, session.peer
        line = self._daemon.rules.console_line(packet, peer, encrypted=client.encrypted)
        return permit(line, packet, peer.host, encrypted=client.encrypted, certified=common_name(client))

    def _prove(self, session: Session, packet: StartupMessage, line: HbaLine, upgrade: Upgrade | None) -> Talk[None]:
        daemon, client, address = self._daemon, session.client, session.peer.address
        if address and self._guesses.due(address, daemon.now(), 0.0) is None:
            raise TooManyClients("too many logins from there have failed", hint="Try again in some seconds.")
        try:
            yield from accept(
                Method.CERT if line.method is Method.CERT else Method.SCRAM_SHA_256,
                packet.user,
                daemon.admins.users,
                unknown_allowed=False,
                dice=Dice(daemon.token(18).hex(), daemon.token(4)),
                binding=upgrade.binding if upgrade and client.encrypted else None,
                certified=common_name(client),
                usermap=Usermap.of(line, daemon.configuration.ident),
            )
        except AuthenticationFailed:
            if address:
                self._guesses.failed(address, daemon.now())
            raise

    async def serve(self, session: Session, caller: Caller) -> None:
        """To its goodbye. Raises ClientFacing, PeerGone."""
        from agroal.console.averages import Averages  # these take memory: who has no console does without
        from agroal.console.errands import Clerk
        from agroal.console.identity import Identity
        from agroal.console.talk import Console
        from agroal.daemon.desk import Desk

        daemon, startup = self._daemon, caller.startup
        self._averages = self._averages or Averages()
        identity = Identity(
            face=caller.face,
            user=startup.user,
            number=session.number,
            version=daemon.version,
            is_admin=self._role(caller) is Role.ADMIN,
            application_name=session.application_name,
        )
        talk = Console(identity, Clerk(identity, self._averages, resident)).converse()
        desk = Desk(session.client, lambda errand: self._perform(session, caller, errand))
        key = daemon.cancels.key_for(desk, long=startup.spoken >= PROTOCOL_3_2)
        self._busy.add(session)
        session.enter(State.IDLE)
        try:
            await desk.serve(key, talk)
        finally:
            self._busy.discard(session)
            daemon.cancels.forget(key)

    async def _perform(self, session: Session, caller: Caller, errand: Errand) -> Record:
        """Raises ManagementError; Terminated, when the client is not what it was any more."""
        role = self._role(caller)
        if role is None:
            raise Terminated
        who = _who(session, caller)
        call = Call(DaemonControls(self._daemon), role, who)
        try:
            return await self._dispatcher.perform(errand.verb, errand.args, call)
        except ManagementError as error:
            log.warning("%s: %s: %s: %s", who, errand.verb, error.code, neutral(str(error)))
            raise

    def _role(self, caller: Caller) -> Role | None:
        """What it may do at this moment; None: it is no admin any more, or has another password now."""
        if caller.secret is None:
            return Role.ADMIN
        admins, user = self._daemon.admins, caller.startup.user
        return admins.role(user) if admins.secret(user) == caller.secret else None


def resident() -> int:
    """Bytes of this process in memory; 0 where /proc does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _who(session: Session, caller: Caller) -> str:
    where = peer_of(session.client.sock) if session.peer.address is None else session.client.label
    return neutral(f"{caller.startup.user} at the console, {where}")


def _is_ourselves(session: Session) -> bool:
    """Whether it comes over the Unix socket, from a process of the daemon's own user."""
    credentials = None if session.peer.address else credentials_of(session.client.sock)
    return credentials is not None and credentials[1] == os.getuid()
