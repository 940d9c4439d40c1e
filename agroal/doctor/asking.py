"""What the doctor says to PostgreSQL: questions that change nothing."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from agroal.auth.login import read_from_server
from agroal.auth.lookup import QUERY
from agroal.doctor.patient import Facts, Role
from agroal.errors import ServerRefused
from agroal.wire import frontend
from agroal.wire.backend import parse_data_row
from agroal.wire.codes import Backend, Frontend
from agroal.wire.fields import cstring, message
from agroal.wire.talk import Talk

Row = tuple[str | None, ...]

SETTINGS = (
    "max_connections",
    "superuser_reserved_connections",
    "reserved_connections",
    "password_encryption",
    "idle_session_timeout",
    "idle_in_transaction_session_timeout",
    "tcp_keepalives_idle",
)

_STATEMENT = re.compile(r"""(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|[^;'"])+""")
_SETTINGS = """
SELECT name, setting FROM pg_catalog.pg_settings
 WHERE name OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])
"""
_SELF = """
SELECT pg_catalog.current_setting('server_version_num'), pg_catalog.pg_is_in_recovery(),
       pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT')
"""
_CONNECTIONS = """
SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity
 WHERE datid IS NOT NULL AND pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
   AND COALESCE(backend_type, 'client backend') OPERATOR(pg_catalog.=) 'client backend'
"""
_ROLES = """
SELECT rolname, rolcanlogin, COALESCE(rolvaliduntil OPERATOR(pg_catalog.<) pg_catalog.now(), false), rolconnlimit,
       {kind}
  FROM pg_catalog.{table} WHERE rolname OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])
"""
_KIND = """
CASE WHEN rolpassword IS NULL THEN 'none' WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram'
     WHEN rolpassword LIKE 'md5%' THEN 'md5' ELSE 'other' END
"""
_DATABASES = "SELECT datname, datconnlimit FROM pg_catalog.pg_database WHERE datallowconn"
_SUPERUSER = """
SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) CURRENT_USER
"""


def rows(sql: str, values: Sequence[str | None] = ()) -> Talk[list[Row]]:
    """What a statement brings, as text. Raises ServerRefused, after which the next can be asked."""
    return (yield from _ask(frontend.extended_query(sql, values)))


def facts(user: str, roles: Sequence[str], ours: int) -> Talk[Facts]:
    """`roles`: those that matter; `ours`: how many connections our own daemon has. Raises ServerRefused."""
    ((version, standby, readable),) = yield from rows(_SELF)
    settings = yield from rows(_SETTINGS, [_array(SETTINGS)])
    ((connections,),) = yield from rows(_CONNECTIONS)
    table, kind = ("pg_authid", _KIND) if readable == "t" else ("pg_roles", "NULL")
    found = yield from rows(_ROLES.format(table=table, kind=kind), [_array(roles)])
    databases = yield from rows(_DATABASES)
    return Facts(
        user,
        int(version or 0),
        standby == "t",
        {name: value or "" for name, value in settings if name},
        max(0, int(connections or 0) - ours),
        {row[0]: Role(row[4], row[1] == "t", row[2] == "t", int(row[3] or -1)) for row in found if row[0]},
        {name: int(limit or -1) for name, limit in databases if name},
    )


def reset(query: str) -> Talk[str]:
    """Why PostgreSQL does not understand the statements; empty if it does. They are parsed and never run."""
    for statement in _STATEMENT.findall(query):
        if not statement.strip():
            continue
        try:
            yield from _parse(statement.strip())
        except ServerRefused as error:
            return error.message
    return ""


def lookup(user: str) -> Talk[tuple[bool, bool]]:
    """Whether the one who asks is a superuser, and whether the question about this user brings an answer.

    Raises ServerRefused where it may not be asked.
    """
    ((superuser,),) = yield from rows(_SUPERUSER)
    answer = yield from rows(QUERY, [user])
    return superuser == "t", bool(answer)


def _parse(statement: str) -> Talk[None]:
    yield from _ask(message(Frontend.PARSE, b"\0" + cstring(statement) + struct.pack("!H", 0)) + frontend.SYNC)


def _ask(batch: bytes) -> Talk[list[Row]]:
    """Say a batch that ends with Sync, and hear everything up to its ReadyForQuery."""
    yield batch
    found: list[Row] = []
    refused: ServerRefused | None = None
    while True:
        try:
            kind, body = yield from read_from_server()
        except ServerRefused as error:
            refused = error
            continue
        if kind == Backend.DATA_ROW:
            found.append(parse_data_row(body))
        elif kind == Backend.READY_FOR_QUERY:
            if refused:
                raise refused
            return found


def _array(texts: Sequence[str]) -> str:
    """An array of PostgreSQL's."""
    quoted = ('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts)
    return "{" + ",".join(quoted) + "}"
