from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_interface, ip_network

import pytest

from agroal.auth import hba
from agroal.auth.hba import HbaFile, Peer, match, peer_at
from agroal.config.hba import read_hba
from agroal.config.model import HbaLine
from agroal.config.report import Report

INTERFACES = [ip_interface(text) for text in ("127.0.0.1/8", "192.168.1.10/23", "fd00:1::10/64", "fe80::1/64")]
SOCKET = "socket"


def line(text: str) -> HbaLine:
    """One line of a file; without a method it has `trust`."""
    report = Report("agroal_hba.conf")
    words = text.split()
    masked = re.fullmatch(r"[0-9a-f.:]+", words[-1]) is not None
    bare = len(words) == (3 if words[0] == "local" else 4) or masked
    [found] = read_hba(text + " trust" if bare else text, report, tls=True, certificates=True)
    assert report.problems == []
    return found


def peer(where: str) -> tuple[Peer, bool]:
    """From `socket`, an address, or an address with `+tls`: where it is, and whether it is encrypted."""
    address, _, tls = where.partition("+")
    return Peer(None if address == SOCKET else ip_address(address)), tls == "tls"


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
local "all" all                      | socket               | shop alice      | no
local "all" all                      | socket               | all alice       | yes
local sameuser all                   | socket               | alice alice     | yes
local sameuser all                   | socket               | shop alice      | no
local sameuser all                   | socket               | store shop      | yes
local sameuser all                   | socket               | store store     | no
local "sameuser" all                 | socket               | alice alice     | no
local sameuser,shop all              | socket               | shop alice      | yes
local replication all                | socket               | shop alice      | no
local replication all                | socket               | replication bob | no
local "replication" all              | socket               | replication bob | yes
local replication,all all            | socket               | shop alice      | yes
local all alice                      | socket               | shop alice      | yes
local all alice                      | socket               | shop bob        | no
local all alice                      | socket               | shop Alice      | no
local all bob,alice                  | socket               | shop alice      | yes
local all "all"                      | socket               | shop alice      | no
local all "all"                      | socket               | shop all        | yes
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
hostnossl shop alice 10.0.0.0/8      | 10.1.2.3             | store alice     | yes
hostnossl shop alice 10.0.0.0/8      | 10.1.2.3+tls         | store alice     | no
HostSSL all all all                  | 10.1.2.3+tls         | shop alice      | yes
hostssl all all all cert             | 10.1.2.3+tls         | shop alice      | yes
hostssl all all all cert map=m       | 10.1.2.3             | shop alice      | no
hostssl all all ::/0                 | fd00::1+tls          | shop alice      | yes
host all all all                     | ::ffff:10.1.2.3+tls  | shop alice      | yes
local sh"op" all                     | socket               | shop alice      | yes
local "sh""op" all                   | socket               | sh"op alice     | yes
local "sh""op" all                   | socket               | shop alice      | no
local "bank,shop" all                | socket               | shop alice      | no
local "bank,shop" all                | socket               | bank,shop alice | yes
local "#shop" all                    | socket               | #shop alice     | yes
local shop all trust#reject          | socket               | shop alice      | yes
local "/shop" all                    | socket               | /shop alice     | yes
local all "+alice"                   | socket               | shop +alice     | yes
local all "+alice"                   | socket               | shop alice      | no
local ALL all                        | socket               | shop alice      | no
local ALL all                        | socket               | ALL alice       | yes
local all all,bob                    | socket               | shop alice      | yes
local all sameuser                   | socket               | sameuser alice  | no
local all sameuser                   | socket               | shop sameuser   | yes
local "replication",shop all         | socket               | shop alice      | yes
local sameuser,replication all       | socket               | replication replication | yes
host all all 10.0.0.0 255.0.0.0      | 10.1.2.3             | shop alice      | yes
host all all 10.0.0.0 255.255.0.0    | 10.1.2.3             | shop alice      | no
host all all 10.9.8.7 255.0.0.0      | 10.1.2.3             | shop alice      | yes
host all all fd00:: ffff::           | fd00::1              | shop alice      | yes
host all all fd00:: ffff:ffff::      | fd00:1::1            | shop alice      | no
host all all 10.1.2.3/0              | 192.168.0.1          | shop alice      | yes
host all all fd00::1/0               | 2001:db8::1          | shop alice      | yes
"""


@pytest.mark.parametrize("row", MATCHES.strip().splitlines(), ids=lambda row: " ".join(row.split()))
def test_a_line_matches_on_type_database_user_and_address(row: str) -> None:
    text, where, asked, expected = (cell.strip() for cell in row.split("|"))
    database, user = asked.split()
    real = "shop" if database == "store" else database
    only = line(text)
    client, encrypted = peer(where)
    names = {"database": database, "real_database": real, "user": user}
    found = match([only], client, **names, encrypted=encrypted, interfaces=INTERFACES)
    assert found is (only if expected == "yes" else None)


def beside(network: IPv4Network | IPv6Network) -> list[str]:
    """The last address before a network, and the first behind it."""
    around = int(network.network_address) - 1, int(network.broadcast_address) + 1
    family = type(network.network_address)
    return [str(family(number)) for number in around if 0 <= number < 1 << network.max_prefixlen]


@pytest.mark.parametrize(
    "text", [*(f"172.21.205.219/{n}" for n in range(33)), *(f"2001:db8:5a5a:a5a5::5a5a/{n}" for n in range(129))]
)
def test_a_mask_of_any_length_ends_where_it_ends(text: str) -> None:
    network = ip_network(text, strict=False)
    lines = [line(f"host all all {text}"), line(f"host all all {text.split('/')[0]} {network.netmask}")]

    def matching(address: str) -> list[HbaLine]:
        names = {"database": "shop", "real_database": "shop", "user": "alice"}
        return [each for each in lines if match([each], Peer(ip_address(address)), **names)]

    for address in (text.split("/")[0], str(network.network_address), str(network.broadcast_address)):
        assert matching(address) == lines
    for address in beside(network):
        assert matching(address) == []


def test_the_first_line_that_matches_decides_also_when_it_rejects() -> None:
    lines = [
        line("local all bob"),
        line("local shop alice reject"),
        line("local all alice scram-sha-256"),
    ]
    found = match(lines, Peer(None), database="shop", real_database="shop", user="alice")
    assert found is lines[1]


def test_without_lines_nobody_matches() -> None:
    assert match([], Peer(None), database="shop", real_database="shop", user="alice") is None


def test_without_known_interfaces_samehost_and_samenet_match_nobody() -> None:
    lines = [line("host all all samehost"), line("host all all samenet")]
    assert match(lines, Peer(ip_address("127.0.0.1")), database="shop", real_database="shop", user="alice") is None


def test_a_peer_is_known_by_its_address_in_text() -> None:
    assert peer_at("10.1.2.3") == Peer(ip_address("10.1.2.3"))
    assert peer_at("::ffff:10.1.2.3") == Peer(ip_address("10.1.2.3")), "a socket for IPv4 and IPv6 spells it so"
    assert peer_at(None) == Peer(None)
    assert [peer_at(host).host for host in ("fd00::1", None)] == ["fd00::1", "[local]"]


class TestFile:
    """What was found once is found again without a search."""

    @staticmethod
    def ask(file: HbaFile, user: str = "ann", address: str = "10.1.2.3", encrypted: bool = False) -> HbaLine | None:
        return file.match(peer_at(address), database="store", real_database="shop", user=user, encrypted=encrypted)

    def test_each_question_has_an_answer_of_its_own(self) -> None:
        lines = [line("hostssl shop ann all"), line("host store bob 10.0.0.0/8"), line("host all eve samenet")]
        file = HbaFile(lines, INTERFACES)
        for _ in range(2):
            assert self.ask(file) is None
            assert self.ask(file, encrypted=True) is lines[0]
            assert self.ask(file, "bob") is lines[1]
            assert self.ask(file, "bob", "11.1.2.3") is None
            assert self.ask(file, "eve", "192.168.1.77") is lines[2]

    def test_strangers_do_not_fill_the_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hba, "REMEMBERED", 3)
        file = HbaFile([line("host shop ann all")])
        for n in range(10):
            assert self.ask(file, f"stranger {n}") is None
            assert self.ask(file) is file.lines[0]
            assert len(file._found) <= 3
