"""The same lines in agroal_hba.conf and in pg_hba.conf let the same clients in: both are asked, and answer the same."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from itertools import product

import pytest

from tests.certificates import Authority
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.encrypted import SSL_REQUEST, offering, trusting
from tests.integration.postgres import OwnPostgres
from tests.integration.raw import RawClient, fields
from tests.unit.wire.messages import startup

LINES = """\
host      plain1           ann1                  all            password
host      list2,other2     ann2,bob2             all            password
host      "quoted 3"       "ann 3"               all            password
host      "a,b4"           ann4                  all            password
host      sp5,"q 5",r5     ann5                  all            password
host      all              ann6                  all            password
host      "all"            ann7                  all            password
host      plain8           all                   all            password
host      plain9           "all"                 all            password
host      sameuser         same10,other10        all            password
host      "sameuser"       ann11                 all            password
host      replication      ann12                 all            password
host      "replication"    ann13                 all            password
host      sameuser,x14     same14                all            password
hostssl   secret15         ann15                 all            password
hostnossl open16           ann16                 all            password
hostssl   both17           ann17                 all            reject
host      both17           ann17                 all            password
host      first18          ann18                 all            reject
host      all              ann18                 all            password
host      all              ann19                 all            reject
host      plain19          ann19                 all            password
host      plain20          ann20                 {ip}/32        password
host      plain21          ann21                 {ip}/8         password
host      plain22          ann22                 {ip}/1         password
host      plain23          ann23                 0.0.0.0/0      password
host      plain24          ann24                 {other}/32     password
host      plain25          ann25                 {other}/8      password
host      plain26          ann26                 ::/0           password
host      plain27          ann27                 {ip}  255.255.255.255  password
host      plain28          ann28                 {other} 255.0.0.0      password
host      plain29          ann29                 {other} 0.0.0.0        password
host      plain30          ann30                 {ip}/31        reject
host      plain30          ann30                 all            password
host      UPPER31          Ann31                 all            password
host      plain32          ann32                 {net}/12       password
local     plain33          ann33                                password
host      "plain34"        "ann34"               all            password  # in quotes without need
host      d35,d35          ann35,bob35,ann35     all            password
host      \u00fcml\u00e4ut36   j\u00f6rg36            all            password
host      all              ann37,"all",bob37     all            password
host      long_{long}      ann38                 all            password
"""

SPECIAL_DATABASES = ("all", "sameuser", "replication", "nowhere")
SPECIAL_USERS = ("all", "nobody_here")


def asked(pattern: str = "") -> Iterator[tuple[str, str]]:
    """Databases and users: for each line those it names, with one another and with those it might be taken to mean.

    Of lines in which this is found.
    """
    seen = set()
    for line in filter(re.compile(pattern).search, spelled("192.0.2.1").splitlines()):
        _, database, user, *_ = split(line)
        databases = {*names(database), *names(user), *SPECIAL_DATABASES, database.strip('"')}
        users = {*names(user), *SPECIAL_USERS, *(name.lower() for name in names(user))}
        seen |= set(product(databases, users))
    yield from sorted(seen)


def split(line: str) -> list[str]:
    """Columns, at blanks that are not in quotes."""
    quoted, columns = False, [""]
    for character in line.partition("  #")[0]:
        quoted ^= character == '"'
        if character == " " and not quoted:
            columns.append("")
        else:
            columns[-1] += character
    return [column for column in columns if column]


def names(column: str) -> list[str]:
    """What is listed, without the quotes."""
    parts = split(column.replace(",", " ") if '"' not in column else column.replace('",', '" ').replace(',"', ' "'))
    return [part.strip('"') for part in parts]


def spelled(ip: str) -> str:
    """The lines for a client that comes from this address."""
    here = ipaddress.IPv4Address(ip)
    other = ipaddress.IPv4Address(int(here) ^ 0x8000_0001)
    network = ipaddress.ip_network(f"{here}/12", strict=False).network_address
    return LINES.format(ip=here, other=other, net=network, long="x" * 50)


@pytest.fixture(scope="module")
def both(module_agroal: Launch, own_postgres: OwnPostgres, authority: Authority) -> tuple[OwnPostgres, Agroal]:
    """PostgreSQL and agroal with these lines, each with the address from which it sees us."""
    identity = authority.issue("both")
    own_postgres.offer_tls(identity, authority)
    [(address,)] = own_postgres.query("SELECT host(inet_client_addr())")
    mine = f"host all {own_postgres.superuser.name} all md5\n"
    own_postgres.set_hba(mine + spelled(address))
    return own_postgres, module_agroal(own_postgres.database, hba=mine + spelled("127.0.0.1"), **offering(identity))


@pytest.mark.parametrize(
    ("encrypted", "lines"), [(False, ""), (True, "ssl|both17|18|/1|plain28")], ids=["plain", "tls"]
)
def test_the_same_clients_are_let_in(
    both: tuple[OwnPostgres, Agroal], authority: Authority, encrypted: bool, lines: str
) -> None:
    differing, let_in = [], 0
    for database, user in asked(lines):
        theirs, ours = (is_let_in(who, authority, database, user, encrypted) for who in both)
        let_in += theirs
        if theirs != ours:
            differing.append(f"database {database!r}, user {user!r}: PostgreSQL {theirs}, agroal {ours}")
    assert differing == []
    assert let_in > (4 if encrypted else 40)


def is_let_in(who: OwnPostgres | Agroal, authority: Authority, database: str, user: str, encrypted: bool) -> bool:
    """Whether it asks for the password; or else it says that no line of its file is for this client."""
    with RawClient(who) as client:  # type: ignore[arg-type]
        if encrypted:
            assert client.say(SSL_REQUEST).hear_byte() == b"S"
            client.secure(trusting(authority))
        kind, body = client.say(startup("user", user, "database", database)).hear() or ("", b"")
        if kind == "R":
            assert body == b"\0\0\0\3"
            return True
    assert (kind, fields(body)["C"]) == ("E", "28000")
    assert "hba.conf" in fields(body)["M"]
    return False
