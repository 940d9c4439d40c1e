"""Every SHOW of the console, SHOW HELP included. A new one is a new row here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agroal.console import connections, databases, inside, own, pools, statistics
from agroal.console.commands import COMMANDS
from agroal.console.table import AnyShow, Column, Show, View
from agroal.console.values import Type

TABLES: Final[tuple[AnyShow, ...]] = (
    pools.POOLS,
    connections.CLIENTS,
    connections.SERVERS,
    connections.SOCKETS,
    connections.ACTIVE_SOCKETS,
    connections.FDS,
    databases.DATABASES,
    databases.USERS,
    databases.LISTS,
    statistics.STATS,
    statistics.STATS_TOTALS,
    statistics.STATS_AVERAGES,
    statistics.TOTALS,
    own.WAITS,
    own.ERRORS,
    own.PREPARED,
    own.PINS,
    inside.CONFIG,
    inside.MEM,
    inside.STATE,
    inside.VERSION,
    inside.DNS_HOSTS,
    inside.DNS_ZONES,
    inside.PEERS,
    inside.PEER_POOLS,
)


def usages() -> Iterator[tuple[str, str]]:
    """What can be typed, and what it does."""
    yield from ((f"SHOW {show.name.upper()}", show.doc) for show in SHOWS)
    yield "SET key = value", "change a key of the configuration until the next reload or start"
    yield from ((command.usage, command.doc) for command in COMMANDS)


def _help(_: View) -> Iterator[tuple[str, str]]:
    return usages()


HELP: Final[Show[tuple[str, str]]] = Show(
    "help",
    "this table",
    _help,
    (
        Column("command", Type.TEXT, "What can be typed.", lambda pair: pair[0]),
        Column("does", Type.TEXT, "What it does.", lambda pair: pair[1]),
    ),
)
SHOWS: Final[tuple[AnyShow, ...]] = (*TABLES, HELP)
BY_NAME: Final = {show.name: show for show in SHOWS}
