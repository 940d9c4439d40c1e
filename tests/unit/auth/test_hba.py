from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network

import pytest

from agroal.auth.hba import Peer, match
from agroal.config.model import HbaLine, HbaType, Method, Name, Scope

INTERFACES = [ip_interface(text) for text in ("127.0.0.1/8", "192.168.1.10/23", "fd00:1::10/64", "fe80::1/64")]
SOCKET = "socket"
KEYWORDS = {"all", "sameuser", "replication"}


def line(text: str) -> HbaLine:
    """From `TYPE DATABASE USER [ADDRESS] [METHOD]`, as in the file; names in single quotes are not keywords."""
    type_, databases, users, *rest = text.split()
    address = None
    if type_ != HbaType.LOCAL:
        word = rest.pop(0)
        address = Scope(word) if word in set(Scope) else ip_network(word)
    method = Method(rest[0]) if rest else Method.TRUST
    return HbaLine("agroal_hba.conf", 1, HbaType(type_), names(databases), names(users), address, method)


def names(column: str) -> tuple[Name, ...]:
    return tuple(Name(word.strip("'"), word in KEYWORDS) for word in column.split(","))


def peer(where: str) -> Peer:
    """From `socket`, an address, or an address with `+tls`."""
    address, _, tls = where.partition("+")
    return Peer(None if address == SOCKET else ip_address(address), tls == "tls")


# a line of the file | where the client is | database and user it asks for (store is an alias of shop) | does it match?
MATCHES = """
local all all                        | socket               | shop alice      | yes
local all all                        | 127.0.0.1            | shop alice      | no
host all all all                     | socket               | shop alice      | no
host all all all                     | 10.1.2.3             | shop alice      | yes
host all all all                     | 10.1.2.3+tls         | shop alice      | yes
host all all all                     | fd00::1              | shop alice      | yes
hostssl all all all                  | 10.1.2.3+tls         | shop alice      | yes
hostssl all all all                  | 10.1.2.3             | shop alice      | no
hostssl all all all                  | socket               | shop alice      | no
hostnossl all all all                | 10.1.2.3             | shop alice      | yes
hostnossl all all all                | 10.1.2.3+tls         | shop alice      | no
hostnossl all all all                | socket               | shop alice      | no
local shop all                       | socket               | shop alice      | yes
local shop all                       | socket               | store alice     | yes
local store all                      | socket               | store alice     | yes
local store all                      | socket               | shop alice      | no
local shop all                       | socket               | Shop alice      | no
local shop all                       | socket               | shopping alice  | no
local bank,shop all                  | socket               | shop alice      | yes
local bank,till all                  | socket               | shop alice      | no
local 'all' all                      | socket               | shop alice      | no
local 'all' all                      | socket               | all alice       | yes
local sameuser all                   | socket               | alice alice     | yes
local sameuser all                   | socket               | shop alice      | no
local sameuser all                   | socket               | store shop      | yes
local sameuser all                   | socket               | store store     | no
local 'sameuser' all                 | socket               | alice alice     | no
local sameuser,shop all              | socket               | shop alice      | yes
local replication all                | socket               | shop alice      | no
local replication all                | socket               | replication bob | no
local 'replication' all              | socket               | replication bob | yes
local replication,all all            | socket               | shop alice      | yes
local all alice                      | socket               | shop alice      | yes
local all alice                      | socket               | shop bob        | no
local all alice                      | socket               | shop Alice      | no
local all bob,alice                  | socket               | shop alice      | yes
local all 'all'                      | socket               | shop alice      | no
local all 'all'                      | socket               | shop all        | yes
host all all 10.0.0.0/8              | 10.255.255.255       | shop alice      | yes
host all all 10.0.0.0/8              | 11.0.0.0             | shop alice      | no
host all all 10.0.0.0/9              | 10.127.255.255       | shop alice      | yes
host all all 10.0.0.0/9              | 10.128.0.0           | shop alice      | no
host all all 172.16.0.0/12           | 172.31.255.255       | shop alice      | yes
host all all 172.16.0.0/12           | 172.32.0.0           | shop alice      | no
host all all 192.168.1.64/26         | 192.168.1.127        | shop alice      | yes
host all all 192.168.1.64/26         | 192.168.1.128        | shop alice      | no
host all all 192.168.1.5/32          | 192.168.1.5          | shop alice      | yes
host all all 192.168.1.5/32          | 192.168.1.4          | shop alice      | no
host all all 0.0.0.0/0               | 8.8.8.8              | shop alice      | yes
host all all 0.0.0.0/0               | fd00::1              | shop alice      | no
host all all ::/0                    | fd00::1              | shop alice      | yes
host all all ::/0                    | 8.8.8.8              | shop alice      | no
host all all fd00:1::/33             | fd00:1:7fff::1       | shop alice      | yes
host all all fd00:1::/33             | fd00:1:8000::1       | shop alice      | no
host all all ::1/128                 | ::1                  | shop alice      | yes
host all all ::1/128                 | ::2                  | shop alice      | no
host all all 10.0.0.0/8              | ::ffff:10.1.2.3      | shop alice      | yes
host all all ::/0                    | ::ffff:10.1.2.3      | shop alice      | no
host all all 10.0.0.0/8              | ::10.1.2.3           | shop alice      | no
host all all fe80::/10               | fe80::2%eth0         | shop alice      | yes
host all all samehost                | 192.168.1.10         | shop alice      | yes
host all all samehost                | ::ffff:192.168.1.10  | shop alice      | yes
host all all samehost                | 192.168.1.11         | shop alice      | no
host all all samehost                | 127.0.0.1            | shop alice      | yes
host all all samehost                | fe80::1%eth0         | shop alice      | yes
host all all samehost                | socket               | shop alice      | no
host all all samenet                 | 192.168.0.7          | shop alice      | yes
host all all samenet                 | 192.168.2.7          | shop alice      | no
host all all samenet                 | fd00:1::abcd         | shop alice      | yes
host all all samenet                 | fd00:1:0:1::abcd     | shop alice      | no
hostssl shop alice 10.0.0.0/8        | 10.1.2.3+tls         | store alice     | yes
hostssl shop alice 10.0.0.0/8        | 10.1.2.3+tls         | store bob       | no
"""


@pytest.mark.parametrize("row", MATCHES.strip().splitlines(), ids=lambda row: " ".join(row.split()))
def test_a_line_matches_on_type_database_user_and_address(row: str) -> None:
    text, where, asked, expected = (cell.strip() for cell in row.split("|"))
    database, user = asked.split()
    real = "shop" if database == "store" else database
    only = line(text)
    found = match([only], peer(where), database=database, real_database=real, user=user, interfaces=INTERFACES)
    assert found is (only if expected == "yes" else None)


def test_the_first_line_that_matches_decides_also_when_it_rejects() -> None:
    lines = [
        line("local all bob"),
        line("local shop alice reject"),
        line("local all alice scram-sha-256"),
    ]
    found = match(lines, peer(SOCKET), database="shop", real_database="shop", user="alice")
    assert found is lines[1]


def test_without_lines_nobody_matches() -> None:
    assert match([], peer(SOCKET), database="shop", real_database="shop", user="alice") is None


def test_without_known_interfaces_samehost_and_samenet_match_nobody() -> None:
    lines = [line("host all all samehost"), line("host all all samenet")]
    assert match(lines, peer("127.0.0.1"), database="shop", real_database="shop", user="alice") is None
