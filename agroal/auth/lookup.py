"""`auth_query`: what PostgreSQL itself knows of a user who is not in the vault.

Asked over a connection of the superuser. The user's name is bound and never part of the statement, everything in the
statement is named with its schema, and the connection's own `search_path` holds nothing else: no object that somebody
else has made is ever called with the superuser's rights (CVE-2018-1058).
"""

from __future__ import annotations

from typing import Final

from agroal.auth.login import read_from_server
from agroal.auth.users import Secret
from agroal.errors import ProtocolViolation, ServerUnavailable
from agroal.wire import frontend
from agroal.wire.backend import parse_data_row
from agroal.wire.codes import Backend
from agroal.wire.talk import Talk

STARTUP: Final = {"application_name": "agroal auth_query", "search_path": "pg_catalog"}
"""Of the connection that asks."""
LONGEST_NAME: Final = 63
"""Bytes. PostgreSQL cuts a longer name, and would find another role by it."""

QUERY: Final = """
SELECT rolpassword FROM pg_catalog.pg_authid
 WHERE rolname OPERATOR(pg_catalog.=) $1 AND rolcanlogin
   AND (rolvaliduntil IS NULL OR rolvaliduntil OPERATOR(pg_catalog.>) pg_catalog.now())
"""


def look_up(user: str) -> Talk[str | None]:
    """What PostgreSQL stores as the user's password.

    None: there is no such role, it has no password, may not log in, its password is valid no longer, or what is stored
    is neither a SCRAM verifier nor an md5 hash: taken for a password, it would let in who has read it. Raises
    ServerRefused, ServerUnavailable, ProtocolViolation.
    """
    yield frontend.extended_query(QUERY, [user])
    secret: str | None = None
    while True:
        kind, body = yield from read_from_server()
        match kind:
            case Backend.DATA_ROW:
                secret = _only_value(body)
            case Backend.READY_FOR_QUERY if body == b"I":
                return secret if secret and Secret(secret).password is None else None
            case Backend.PARSE_COMPLETE | Backend.BIND_COMPLETE | Backend.COMMAND_COMPLETE | Backend.PARAMETER_STATUS:
                continue
            case _:
                raise ServerUnavailable(f'unexpected message type "{chr(kind)}" from the server')


def _only_value(row: bytes) -> str | None:
    """The one column of a DataRow; None when it is null."""
    values = parse_data_row(row)
    if len(values) != 1:
        raise ProtocolViolation("malformed DataRow: expected one column")
    return values[0]
