"""How pools are configured, and what stands behind them: what a workload asks of all peers alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TRUSTED = "trusted"
"""The user who is let in without a password, by PostgreSQL and by every pool."""
PROVEN = "proven"
"""The user who authenticates by SCRAM-SHA-256, with PostgreSQL and with every pool."""
EQUALS = tuple(f"equal{number}" for number in range(10))
"""Users who all want the same, and are let in like the trusted one."""
DATABASE = "bench"


class Mode(StrEnum):
    """When a server goes back to the pool: when its client leaves, or at the end of each transaction."""

    SESSION = "session"
    TRANSACTION = "transaction"


@dataclass(frozen=True, slots=True)
class Setup:
    """Each pool is started anew for each of these."""

    mode: Mode
    servers: int = 20
    """Server connections at most, of all users together."""
    by_socket: bool = False
    """PostgreSQL is reached over its Unix socket, not over TCP."""

    def __str__(self) -> str:
        return f"{self.mode}, {self.servers} servers{', Unix socket' if self.by_socket else ''}"


SESSION = Setup(Mode.SESSION)
TRANSACTION = Setup(Mode.TRANSACTION)
