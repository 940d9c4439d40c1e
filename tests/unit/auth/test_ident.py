from __future__ import annotations

from ipaddress import ip_network

import pytest

from agroal.auth.ident import Usermap, common_name
from agroal.config.ident import read_ident
from agroal.config.model import HbaLine, HbaType, IdentLine, Method, Name
from agroal.config.report import Report

# PostgreSQL's manual, chapter “User Name Maps”
MANUAL = """
# MAPNAME       SYSTEM-USERNAME         PG-USERNAME

omicron         bryanh                  bryanh
omicron         ann                     ann
# bob has user name robert on these machines
omicron         robert                  bob
# bryanh can also connect as guest1
omicron         bryanh                  guest1

mymap   /^(.*)@mydomain\\.com$      \\1
mymap   /^(.*)@otherdomain\\.com$   guest
"""

LINES = (
    MANUAL
    + r"""
role    admin           all
role    quoted          "all"
part    /web            www
both    /^(.)-.*$       "/^team_."
both    x               /^x+$
twice   /^(.*)-(.*)$    \1\1
inside  /^(.*)@shop$    "user \1"
slash   back            a\1
option  /^(a)|b$        x\1
caps    "/^(?i)ann$"    ann
dots    /^a.b$          ab
list    "/^x{1,3}$"     xs
""".replace('caps    "/^(?i)ann$"', 'caps    "/(?i)^ann$"')
)


def lines(text: str = LINES) -> tuple[IdentLine, ...]:
    report = Report("agroal_ident.conf")
    found = read_ident(text, report)
    assert report.problems == []
    return found


def usermap(name: str) -> Usermap:
    """The map that a line of the hba file with `map=` names."""
    network, everybody = ip_network("10.0.0.0/8"), (Name("all", keyword=True),)
    line = HbaLine("", 1, HbaType.HOSTSSL, everybody, everybody, network, Method.CERT, map=name)
    made = Usermap.of(line, lines())
    assert made
    return made


# map | name in the certificate | user | may it be?
PAIRS = r"""
omicron | bryanh               | bryanh     | yes
omicron | bryanh               | guest1     | yes
omicron | ann                  | ann        | yes
omicron | robert               | bob        | yes
omicron | robert               | robert     | no
omicron | ann                  | bob        | no
omicron | ann                  | guest1     | no
omicron | Ann                  | ann        | no
omicron | ann                  | Ann        | no
omicron | mallory              | mallory    | no
mymap   | ann@mydomain.com     | ann        | yes
mymap   | ann@mydomain.com     | bob        | no
mymap   | ann@mydomainXcom     | ann        | no
mymap   | ann@mydomain.com.evil| ann        | no
mymap   | ann@otherdomain.com  | guest      | yes
mymap   | ann@otherdomain.com  | ann        | no
mymap   | @mydomain.com        | ann        | no
mymap   | all@mydomain.com     | ann        | no
role    | admin                | anybody    | yes
role    | admin                | all        | yes
role    | other                | anybody    | no
role    | quoted               | all        | yes
role    | quoted               | anybody    | no
part    | the web server       | www        | yes
part    | the server           | www        | no
both    | a-b                  | team_a     | yes
both    | a-b                  | other      | no
both    | x                    | xxx        | yes
both    | x                    | xxy        | no
twice   | a-b                  | a\1        | yes
twice   | a-b                  | aa         | no
inside  | ann@shop             | user ann   | yes
slash   | back                 | a\1        | yes
option  | a                    | xa         | yes
option  | b                    | x          | no
option  | b                    | xb         | no
caps    | ANN                  | ann        | yes
caps    | ANNE                 | ann        | no
list    | xxx                  | xs         | yes
list    | xxxx                 | xs         | no
nowhere | ann                  | ann        | no
"""


@pytest.mark.parametrize("row", PAIRS.strip().splitlines(), ids=lambda row: " ".join(row.split()))
def test_a_line_that_pairs_the_two_names_is_enough(row: str) -> None:
    name, certified, user, expected = (cell.strip() for cell in row.split("|"))
    assert usermap(name).lets(certified, user) is (expected == "yes")


def test_an_hba_line_without_a_map_has_none() -> None:
    line = HbaLine("", 1, HbaType.HOSTSSL, (), (), None, Method.CERT)
    assert Usermap.of(line, lines()) is None


@pytest.mark.parametrize("certified", ["", "ann@mydomain.com\n", "a\0b@mydomain.com", "a\x1b@mydomain.com", "\udcff"])
def test_a_name_that_is_empty_or_can_not_be_printed_is_nobodys(certified: str) -> None:
    """A line break at the end would pass for the end."""
    anybody = lines("m /.* all")
    assert not Usermap(anybody).lets(certified, "ann")
    assert not Usermap(anybody).lets("ann", certified)
    assert Usermap(anybody).lets("ann", "ann")


def test_names_that_are_very_long_are_not_even_looked_at() -> None:
    """This expression takes time that grows exponentially with the name."""
    slow = Usermap(lines("m /^(a|a)*$ all"))
    assert slow.lets("a" * 256, "ann")
    assert not slow.lets("a" * 100_000 + "!", "ann")
    assert not slow.lets("ann", "a" * 257)


@pytest.mark.parametrize(
    ("certificate", "name"),
    [
        ({}, None),
        ({"subject": ((("commonName", "ops"),),)}, "ops"),
        ({"subject": ((("organizationName", "x"), ("commonName", "ops")),)}, "ops"),
        ({"subject": ((("commonName", "ops"),), (("commonName", "eve"),))}, None),
        ({"subject": ((("organizationName", "ops"),),)}, None),
    ],
)
def test_a_certificate_has_one_common_name_or_none(certificate: dict[str, object], name: str | None) -> None:
    assert common_name(certificate) == name
