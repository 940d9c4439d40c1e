"""Everything that can go wrong, in one tree.

    AgroalError
    ├── ConfigurationError          the files can't be used; carries every Problem found
    ├── VaultError                  master key or users file: unreadable, wrong key, not ours
    ├── ManagementError             a verb was refused or failed; carries a code for programs
    ├── ConsoleError                a statement on the SQL console can't be carried out; the console goes on
    ├── IllegalTransition           our own bug: a slot was asked to make a move it must not make
    ├── PeerGone                    the other side hung up; nobody is left to be told
    └── ClientFacing                ends one client, with a FATAL ErrorResponse that says why
        ├── ProtocolViolation       08P01
        ├── UnsupportedProtocol     0A000
        ├── NotPermitted            28000
        ├── AuthenticationFailed    28P01
        ├── AuthenticationTimedOut  57014
        ├── LookupFailed            57P03
        ├── Cancelled               57014
        ├── PoolIsFull              53300
        ├── DatabaseDisabled        55000
        ├── TooManyClients          53300
        ├── ShuttingDown            57P03
        ├── Terminated              57P01
        ├── IdleTooLong             57P05
        ├── StateNotKept            0A000   in the transaction pipeline, with session_state = reject
        ├── ServerUnavailable       08001   could not be used
        │   └── ServerUnreachable   08001   could not be reached, or did not answer
        ├── ServerLost              08006   went away under a client
        ├── ServerRefused           whatever SQLSTATE PostgreSQL gave
        └── Internal                XX000

An error knows what its client is told: SQLSTATE (PostgreSQL manual, appendix A), message, and where it helps DETAIL
and HINT.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


class AgroalError(Exception):
    """The root: everything that agroal raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the configuration: where it is, what it is, what was expected, what to do."""

    file: str
    line: int
    """1-based; 0 when it concerns the file as a whole."""
    key: str
    """The configuration key or column; empty when there is none."""
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.key}: {self.message}" if self.key else f"{where}: {self.message}"


class ConfigurationError(AgroalError):
    """The configuration can't be used. All problems at once, in the order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class VaultError(AgroalError):
    """The master key or a file of users can't be read, written or decrypted."""


class ManagementError(AgroalError):
    """A verb was refused or failed. `code` is a short stable word for programs."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class ConsoleError(AgroalError):
    """A statement on the SQL console can't be carried out. The console goes on: the client is told as an ERROR."""

    def __init__(self, sqlstate: str, message: str, *, hint: str = "") -> None:
        self.sqlstate = sqlstate
        self.message = message
        self.hint = hint
        super().__init__(message)

    def fields(self) -> dict[str, str]:
        """The fields of the ErrorResponse by their one-letter codes."""
        fields = {"S": "ERROR", "V": "ERROR", "C": self.sqlstate, "M": self.message, "H": self.hint}
        return {code: value for code, value in fields.items() if value}


class IllegalTransition(AgroalError):
    """A slot was asked for a move that its transition table does not have. Always our bug, never the peer's."""


class PeerGone(AgroalError):
    """The other side closed its connection. There is nobody left to tell."""


class ClientFacing(AgroalError):
    """Ends one client with a FATAL ErrorResponse."""

    sqlstate: ClassVar[str] = "XX000"

    def __init__(self, message: str, *, detail: str = "", hint: str = "") -> None:
        self.message = message
        self.detail = detail
        self.hint = hint
        super().__init__(message)

    def fields(self) -> dict[str, str]:
        """The fields of the ErrorResponse by their one-letter codes (manual, “Error and Notice Message Fields”)."""
        fields = {"S": "FATAL", "V": "FATAL", "C": self.sqlstate, "M": self.message, "D": self.detail, "H": self.hint}
        return {code: value for code, value in fields.items() if value}


class ProtocolViolation(ClientFacing):
    """The peer sent what the protocol does not allow here."""

    sqlstate = "08P01"


class UnsupportedProtocol(ClientFacing):
    """A protocol version or a feature that agroal does not speak."""

    sqlstate = "0A000"


class NotPermitted(ClientFacing):
    """No HBA line lets this client in, or one rejects it."""

    sqlstate = "28000"


class AuthenticationFailed(ClientFacing):
    """Wrong password, unknown user or unknown database: the client can't tell which."""

    sqlstate = "28P01"


class AuthenticationTimedOut(ClientFacing):
    """The client did not finish logging in within `authentication_timeout`."""

    sqlstate = "57014"


class LookupFailed(ClientFacing):
    """PostgreSQL could not be asked who the client is (`auth_query`). The log says why; strangers are not told."""

    sqlstate = "57P03"

    def __init__(self) -> None:
        super().__init__("authentication is not possible at the moment")


class Cancelled(ClientFacing):
    """The client cancelled while it was waiting for a server."""

    sqlstate = "57014"


class PoolIsFull(ClientFacing):
    """No server became free within `blocking_timeout`."""

    sqlstate = "53300"


class TooManyClients(ClientFacing):
    """The daemon has no file descriptor left for one more client."""

    sqlstate = "53300"


class DatabaseDisabled(ClientFacing):
    """An administrator has disabled the database: no new clients. As PostgreSQL says it of `datallowconn = false`."""

    sqlstate = "55000"

    def __init__(self, database: str) -> None:
        super().__init__(
            f'database "{database}" is not currently accepting connections',
            hint="An administrator has disabled it in agroal. Clients that are connected go on.",
        )


class ShuttingDown(ClientFacing):
    """The daemon is stopping and takes no new clients."""

    sqlstate = "57P03"


class Terminated(ClientFacing):
    """An administrator ended this client's connection: in PostgreSQL's own words."""

    sqlstate = "57P01"

    def __init__(self) -> None:
        super().__init__("terminating connection due to administrator command")


class IdleTooLong(ClientFacing):
    """Nothing was heard of the client for `disconnect_client`."""

    sqlstate = "57P05"


class StateNotKept(ClientFacing):
    """The client has made what outlives a transaction, and `session_state = reject` does not want that."""

    sqlstate = "0A000"

    def __init__(self, trace: str) -> None:
        super().__init__(
            "what outlives a transaction is not allowed in this pool",
            detail=f"About this client: {trace}.",
            hint="It needs pipeline = session, or session_state = pin.",
        )


class ServerUnavailable(ClientFacing):
    """PostgreSQL could not be used: we can't log in to it, or it did not answer in words that we understand."""

    sqlstate = "08001"


class ServerUnreachable(ServerUnavailable):
    """PostgreSQL could not be reached, or did not answer in time."""


class ServerLost(ClientFacing):
    """PostgreSQL went away while a client was using it, without a word."""

    sqlstate = "08006"


class ServerRefused(ClientFacing):
    """PostgreSQL refused our connection: its own words are handed on, as FATAL."""

    def __init__(self, fields: dict[str, str]) -> None:
        # Servers are untrusted: every field is optional (CVE-2026-6666).
        super().__init__(fields.get("M", "the server refused the connection without saying why"))
        self._fields = fields

    @property
    def server_sqlstate(self) -> str:
        """The SQLSTATE that the server gave; 08004 (server rejected the connection) when it gave none."""
        return self._fields.get("C", "08004")

    def fields(self) -> dict[str, str]:
        return {**self._fields, "S": "FATAL", "V": "FATAL", "C": self.server_sqlstate, "M": self.message}


class Internal(ClientFacing):
    """Our own mistake. The log has the traceback; the client gets an apology and an end."""

    sqlstate = "XX000"
