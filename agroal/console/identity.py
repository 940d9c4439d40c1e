"""Who is at the console, and what the console says of itself to drivers that ask a PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from agroal.console.face import Face
from agroal.console.inside import PGBOUNCER_VERSION
from agroal.console.values import Type, Value

ENCODING: Final = "UTF8"


@dataclass(frozen=True, slots=True)
class Identity:
    face: Face
    user: str
    number: int
    """The client's."""
    version: str
    """agroal's."""
    is_admin: bool
    application_name: str = ""

    @property
    def server_version(self) -> str:
        """Drivers and psql read a number from its beginning."""
        return f"{PGBOUNCER_VERSION}/bouncer" if self.face is Face.PGBOUNCER else f"{self.version}/agroal"

    def reported(self) -> dict[str, str]:
        """The settings that drivers are told when they come in, as PostgreSQL does."""
        return {
            "server_version": self.server_version,
            "server_encoding": ENCODING,
            "client_encoding": ENCODING,
            "application_name": self.application_name,
            "default_transaction_read_only": "off",
            "in_hot_standby": "off",
            "is_superuser": "on" if self.is_admin else "off",
            "session_authorization": self.user,
            "DateStyle": "ISO, MDY",
            "IntervalStyle": "postgres",
            "TimeZone": "UTC",
            "integer_datetimes": "on",
            "standard_conforming_strings": "on",
        }

    def parameter(self, name: str) -> str | None:
        """What SHOW says of a setting of PostgreSQL; None for one that it has no answer for."""
        known = {**_SETTABLE, **{key.lower(): value for key, value in self.reported().items()}}
        return known.get(name.lower())


_SETTABLE: Final = {
    "bytea_output": "hex",
    "client_min_messages": "notice",
    "default_transaction_deferrable": "off",
    "default_transaction_isolation": "read committed",
    "extra_float_digits": "1",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "lock_timeout": "0",
    "max_identifier_length": "63",
    "row_security": "on",
    "search_path": '"$user", public',
    "statement_timeout": "0",
    "synchronous_commit": "on",
    "transaction_isolation": "read committed",
    "transaction_read_only": "off",
    "xmloption": "content",
}
"""Settings of PostgreSQL that drivers ask for, and set, whoever it is that they talk to."""

IGNORED: Final = frozenset(
    {*_SETTABLE, "application_name", "client_encoding", "datestyle", "default_transaction_read_only"}
    | {"intervalstyle", "session_authorization", "standard_conforming_strings", "timezone"}
)
"""Those that may be set, which changes nothing."""
FUNCTIONS: Final[Mapping[str, tuple[Type, Callable[[Identity], Value]]]] = {
    "version": (Type.TEXT, lambda who: f"agroal {who.version}, the console of a connection pool for PostgreSQL"),
    "current_schema": (Type.TEXT, lambda _: "pg_catalog"),
    "current_database": (Type.TEXT, lambda who: who.face.value),
    "current_catalog": (Type.TEXT, lambda who: who.face.value),
    "current_user": (Type.TEXT, lambda who: who.user),
    "session_user": (Type.TEXT, lambda who: who.user),
    "user": (Type.TEXT, lambda who: who.user),
    "pg_is_in_recovery": (Type.BOOL, lambda _: False),
    "pg_backend_pid": (Type.INT4, lambda who: who.number),
}
"""What a SELECT may ask."""
