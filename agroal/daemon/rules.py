"""What one configuration says of clients: who may come in how, and which pipeline is theirs. Looked up, not read."""

from __future__ import annotations

from agroal.auth.hba import HbaFile, Interfaces, Peer
from agroal.config.model import Configuration, HbaLine
from agroal.config.remote import ADMIN, is_about_admins
from agroal.daemon.pipelines import Pipelines
from agroal.wire.startup import StartupMessage


class Rules:
    """Made anew at every reload; whoever is in goes on by the old ones."""

    def __init__(self, configuration: Configuration, interfaces: Interfaces) -> None:
        self.configuration = configuration
        self.interfaces = interfaces
        self.pipelines = Pipelines(configuration)
        self._hba = HbaFile(configuration.hba, interfaces)
        self._admin_hba = HbaFile([line for line in configuration.hba if is_about_admins(line)], interfaces)

    def hba_line(self, startup: StartupMessage, peer: Peer, *, encrypted: bool) -> HbaLine | None:
        """The line of the HBA file that decides about this client."""
        database, real = startup.database, self.configuration.alias(startup.database)
        return self._hba.match(peer, database=database, real_database=real, user=startup.user, encrypted=encrypted)

    def console_line(self, startup: StartupMessage, peer: Peer, *, encrypted: bool) -> HbaLine | None:
        """Likewise for the SQL console: lines about a database of its name, about all, and about `admin`."""
        name, user = startup.database, startup.user
        return self._hba.match(peer, database=name, real_database=ADMIN, user=user, encrypted=encrypted)

    def admin_line(self, user: str, peer: Peer, *, encrypted: bool) -> HbaLine | None:
        """The line of the HBA file that decides about who says to be this admin, over the network."""
        return self._admin_hba.match(peer, database=ADMIN, real_database=ADMIN, user=user, encrypted=encrypted)
