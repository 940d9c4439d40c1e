"""Which line of agroal_hba.conf is about a client: the first that matches (PostgreSQL manual, “The pg_hba.conf File”).

A line that is found decides alone: when its method says no, no other line is tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address
from typing import Final

from agroal.config.model import HbaLine, HbaType, Name, Network, Scope

Interfaces = Sequence[IPv4Interface | IPv6Interface]
"""The addresses of this machine, each with its network."""
REMEMBERED: Final = 1000
"""Answers that an HbaFile keeps."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a client comes from."""

    address: IPv4Address | IPv6Address | None
    """None: over the Unix socket."""

    host: str = field(init=False, compare=False)
    """For people."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "host", str(self.address or "[local]"))


@lru_cache(1024)
def peer_at(host: str | None) -> Peer:
    """The peer at this address in text; None: over the Unix socket.

    Who comes by IPv4 to a socket for both is who it is, whatever that socket calls it (RFC 4291, 2.5.5.2).
    """
    address = ip_address(host) if host else None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return Peer(mapped or address)


class HbaFile:
    """The lines in force, and which of them was found: the same clients come from the same places, again and again."""

    def __init__(self, lines: Sequence[HbaLine], interfaces: Interfaces = ()) -> None:
        self.lines = lines
        self._interfaces = interfaces
        self._found: dict[tuple[Peer, str, str, str, bool], HbaLine | None] = {}

    def match(self, peer: Peer, *, database: str, real_database: str, user: str, encrypted: bool) -> HbaLine | None:
        """As the function `match`."""
        question = peer, database, real_database, user, encrypted
        try:
            return self._found[question]
        except KeyError:
            pass
        if len(self._found) >= REMEMBERED:
            self._found.clear()  # strangers choose the names
        found = self._found[question] = match(
            self.lines,
            peer,
            database=database,
            real_database=real_database,
            user=user,
            encrypted=encrypted,
            interfaces=self._interfaces,
        )
        return found


def match(
    lines: Sequence[HbaLine],
    peer: Peer,
    *,
    database: str,
    real_database: str,
    user: str,
    encrypted: bool = False,
    interfaces: Interfaces = (),
) -> HbaLine | None:
    """The first line that matches. `database` is what the client asked for, `real_database` what it is an alias of."""
    names = {database, real_database}
    address = _unmapped(peer.address)
    for line in lines:
        if (
            _type_matches(line.type, peer, encrypted)
            and any(_database_matches(name, names, real_database, user) for name in line.databases)
            and any(name.keyword or name.text == user for name in line.users)
            and (address is None or _address_matches(line.address, address, interfaces))
        ):
            return line
    return None


def _unmapped(address: IPv4Address | IPv6Address | None) -> IPv4Address | IPv6Address | None:
    """An IPv4 client of a socket that serves both families shows up as ::ffff:a.b.c.d; lines call it a.b.c.d."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))  # without its zone: lines have none
    return address


def _type_matches(type_: HbaType, peer: Peer, encrypted: bool) -> bool:
    match type_:
        case HbaType.LOCAL:
            return peer.address is None
        case HbaType.HOST:
            return peer.address is not None
        case HbaType.HOSTSSL:
            return peer.address is not None and encrypted
        case HbaType.HOSTNOSSL:
            return peer.address is not None and not encrypted


def _database_matches(name: Name, names: set[str], real_database: str, user: str) -> bool:
    if not name.keyword:
        return name.text in names
    match name.text:
        case "all":
            return True
        case "sameuser":  # the database itself: an alias that happens to be called like the user opens nothing
            return real_database == user
        case _:  # `replication` is for connections that are not to a database; agroal has none
            return False


def _address_matches(
    wanted: Network | Scope | None, address: IPv4Address | IPv6Address, interfaces: Interfaces
) -> bool:
    match wanted:
        case Scope.ALL:
            return True
        case Scope.SAMEHOST:
            return any(address == interface.ip for interface in interfaces)
        case Scope.SAMENET:
            return any(address in interface.network for interface in interfaces)
        case None:
            return False
        case network:
            return address in network
