"""What every pool is told, and agroal itself.

All get the same: one PostgreSQL behind them, the same mode of pooling, as many server connections, the reset query that
they have by default, no log line for a client that comes or goes. What they are told differs only in their languages.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import agroal
from agroal.demo.processes import Account, run
from tests.bench.setups import DATABASE, EQUALS, PROVEN, TRUSTED, Mode, Setup
from tests.bench.workloads import Workload

USERS = (TRUSTED, PROVEN, *EQUALS)
HBA = f"host all {PROVEN} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
"""Who comes in how, in the form of pg_hba.conf."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a pool has to know."""

    folder: Path
    """Its own, for files and sockets."""
    port: int
    server_host: str
    """A host that begins with a slash is the directory of PostgreSQL's Unix socket."""
    server_port: int
    setup: Setup
    clients: int
    """Clients at most."""
    password: str
    """Of all users."""
    verifier: str
    """What PostgreSQL has stored of it."""

    @property
    def certificate(self) -> Path:
        """For clients that want TLS."""
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        return self.folder / "server.key"


class Pool:
    """A program that can be put in front of PostgreSQL."""

    name: str
    speaks_tls = False
    """It is configured for clients that want TLS."""
    forks = False
    """A process for each client: its CPU time is counted with that of all its children."""

    def version(self) -> str:
        raise NotImplementedError

    def lacks(self, workload: Workload) -> str:
        """Why it takes no part in that; empty where it does."""
        if workload.tls and not self.speaks_tls:
            return "it is not set up for TLS here"
        return self.lacks_mode(workload.setup.mode)

    def lacks_mode(self, mode: Mode) -> str:
        """Why it does not pool like that; empty where it does."""
        return ""

    def account(self) -> Account | None:
        """Whom to run it as, where it refuses to run as root."""
        return Account.without_privileges()

    def files(self, place: Place) -> dict[str, str]:
        """Its configuration, the main file first."""
        raise NotImplementedError

    def prepare(self, place: Place) -> None:
        """What else must be done once its files are written."""

    def command(self, place: Place) -> list[str]:
        raise NotImplementedError

    def environment(self, place: Place) -> dict[str, str]:
        return {**os.environ, "HOME": str(place.folder)}


class Direct(Pool):
    """No pool at all."""

    name = "direct"

    def version(self) -> str:
        return "no pool"

    def lacks_mode(self, mode: Mode) -> str:
        return "" if mode is Mode.SESSION else "without a pool every client has a server of its own"


@dataclass(slots=True)
class Vault:
    """Where the users of agroal and their passwords are once they have been encrypted, which takes some seconds."""

    folder: Path | None = None


class Agroal(Pool):
    """agroal itself: of this checkout, or of another one, for before and after."""

    speaks_tls = True

    def __init__(
        self,
        name: str = "agroal",
        tree: Path | None = None,
        *,
        session_pipeline: str = "session",
        modes: Collection[Mode] = tuple(Mode),
        is_pure: bool = False,
        vault: Vault | None = None,
    ) -> None:
        self.name = name
        self._tree = tree
        self._session_pipeline = session_pipeline
        self._modes = modes
        self._is_pure = is_pure
        self._vault = vault or Vault()

    def version(self) -> str:
        """Of this checkout it says whether the relay is compiled."""
        if self._tree:
            return f"agroal of {self._tree}"
        return run([sys.executable, "-m", "agroal.main", "-V"], env=self._environment()).strip()

    def lacks_mode(self, mode: Mode) -> str:
        return "" if mode in self._modes else f"its pipeline pools by {' and '.join(self._modes)}"

    def account(self) -> Account | None:
        return None

    def files(self, place: Place) -> dict[str, str]:
        setup = place.setup
        pipeline = self._session_pipeline if setup.mode is Mode.SESSION else "transaction"
        return {
            "agroal.conf": (
                f"[agroal]\nhost = 127.0.0.1\nport = {place.port}\nunix_socket_dir = {place.folder}\n"
                f"log_type = file\nlog_path = {place.folder}/agroal.log\nmax_connections = {setup.servers}\n"
                f"pipeline = {pipeline}\n"
                f"tls = on\ntls_cert_file = {place.certificate}\ntls_key_file = {place.key}\n\n"
                f"[primary]\nhost = {place.server_host}\nport = {place.server_port}\nprimary = on\n"
            ),
            "agroal_hba.conf": HBA,
            "agroal_databases.conf": f"{DATABASE} all {setup.servers}\n",
        }

    def prepare(self, place: Place) -> None:
        if self._vault.folder:
            shutil.copytree(self._vault.folder / "secret", place.folder / "secret")
            shutil.copy2(self._vault.folder / "agroal_users.conf", place.folder)
            return
        self._admin(place, "-g", "master-key")
        for user in USERS:
            self._admin(place, "-f", str(place.folder / "agroal_users.conf"), "-U", user, "user", "add")
        self._vault.folder = place.folder

    def command(self, place: Place) -> list[str]:
        return [sys.executable, "-m", "agroal.main", "-D", str(place.folder)]

    def environment(self, place: Place) -> dict[str, str]:
        return {**self._environment(), "AGROAL_MASTER_KEY_FILE": str(place.folder / "secret" / "master.key")}

    def _environment(self) -> dict[str, str]:
        trees = [str(self._tree or Path(agroal.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        ours = {"PYTHONPATH": os.pathsep.join(filter(None, trees))}
        return {**os.environ, **ours, **({"AGROAL_PURE": "1"} if self._is_pure else {})}

    def _admin(self, place: Place, *arguments: str) -> None:
        environment = {**self.environment(place), "AGROAL_PASSWORD": place.password}
        run([sys.executable, "-m", "agroal.admin", *arguments], env=environment)


VARIANTS = ("agroal", "agroal-performance", "agroal-pure")


def variants(names: Collection[str]) -> Iterator[Agroal]:
    """agroal as it is, with the pipeline that counts nothing, and in Python alone."""
    vault = Vault()
    if "agroal" in names:
        yield Agroal("agroal", vault=vault)
    if "agroal-performance" in names:
        yield Agroal("agroal-performance", session_pipeline="performance", modes=(Mode.SESSION,), vault=vault)
    if "agroal-pure" in names:
        yield Agroal("agroal-pure", is_pure=True, vault=vault)
