from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.auth.hba import Peer, match
from agroal.auth.hba import peer_at as peer
from agroal.config.hba import read_hba
from agroal.config.report import Report
from agroal.daemon.files import Secrets
from agroal.doctor.check import Grade
from agroal.doctor.files import SOCKETS, covers
from agroal.doctor.patient import Certificate, File
from agroal.errors import Problem
from tests.unit.doctor.patients import NOW, configuration, patient, told

DAY = 86_400.0


def test_problems_of_the_files_are_wrong_and_notices_are_advice() -> None:
    noticed = replace(configuration(), notices=(Problem("agroal.conf", 3, "x", "unknown key"),))
    assert told("configuration", patient(noticed)) == [(Grade.ADVICE, "agroal.conf:3: x: unknown key")]
    assert told("configuration", patient(secrets_problem="no master key")) == [(Grade.WRONG, "no master key")]


@pytest.mark.parametrize(("mode", "wrong"), [(0o600, False), (0o640, True), (0o604, True), (0o700, False)])
def test_secrets_are_their_owners(mode: int, wrong: bool) -> None:
    file = File(Path("/etc/agroal/agroal_users.conf"), "the vault", mode)
    assert bool(told("secrets", patient(files=(file,)))) is wrong


@pytest.mark.parametrize(("mode", "wrong"), [(0o755, False), (0o1777, False), (0o777, True)])
def test_nobody_else_may_replace_sockets(mode: int, wrong: bool) -> None:
    ill = patient(files=(File(Path("/run/agroal"), SOCKETS, mode),))
    assert bool(told("socket-directory", ill)) is wrong
    assert told("secrets", ill) == []


def certificate(since: float = NOW - DAY, until: float = NOW + 365 * DAY, *, signed: bool = True) -> Certificate:
    return Certificate("tls_cert_file", "CN=us", "CN=them", since, until, signed)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (certificate(), []),
        (certificate(until=NOW + 3 * DAY), [(Grade.ADVICE, "tls_cert_file: CN=us expires in 3 days")]),
        (certificate(until=NOW - 2 * DAY), [(Grade.WRONG, "tls_cert_file: CN=us has expired 2 days ago")]),
        (certificate(since=NOW + DAY), [(Grade.WRONG, "tls_cert_file: CN=us is not valid yet")]),
    ],
)
def test_certificates_are_valid(shown: Certificate, expected: list[tuple[Grade, str]]) -> None:
    assert told("certificates", patient(certificates=(shown,))) == expected
    assert told("certificates", patient(seen={"certificates": (shown,)})) == expected


def test_a_chain_is_in_order() -> None:
    ((grade, text),) = told("certificates", patient(certificates=(certificate(signed=False),)))
    assert grade is Grade.WRONG
    assert "not signed by the certificate after it" in text


def test_weak_ciphers() -> None:
    assert told("ciphers", patient(weak_ciphers=("RC4-SHA",))) == [(Grade.WRONG, "tls_ciphers allows RC4-SHA")]


@pytest.mark.parametrize(
    ("hba", "grades"),
    [
        ("host all all all md5\nhost shop web 10.0.0.0/8 trust\n", [Grade.ADVICE]),
        ("host all all all md5\nhost all eve all reject\n", [Grade.WRONG]),
        ("host all eve all reject\nhost all all all md5\n", []),
        ("host shop,blog a,b 10.0.0.0/8 md5\nhostssl blog a 10.1.0.0/16 md5\n", [Grade.ADVICE]),
        ("hostssl all all all md5\nhost all all all md5\n", []),
        ("host all all 10.0.0.0/8 md5\nhost all all 0.0.0.0/0 md5\n", []),
        ("host all all ::/0 md5\nhost all all 10.0.0.0/8 md5\n", []),
        ("local all all md5\nlocal shop all reject\nhost all all samenet md5\n", [Grade.WRONG]),
        ('host "all" all all md5\nhost shop all all md5\n', []),
    ],
)
def test_lines_that_never_count(hba: str, grades: list[Grade]) -> None:
    assert [grade for grade, _ in told("hba-order", patient(configuration(hba=hba)))] == grades


COLUMNS = st.tuples(
    st.sampled_from(["local", "host", "hostssl", "hostnossl"]),
    st.sampled_from(["all", "shop", "shop,blog", "sameuser", '"all"']),
    st.sampled_from(["all", "ann", "ann,bob"]),
    st.sampled_from(["all", "10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::/0"]),
)


def text(columns: tuple[str, str, str, str], method: str) -> str:
    return " ".join(columns[:3] if columns[0] == "local" else columns) + f" {method}\n"


@given(
    COLUMNS,
    COLUMNS,
    st.sampled_from([peer(None), peer("10.1.2.3"), peer("10.9.9.9"), peer("192.0.2.1"), peer("::1")]),
    st.sampled_from(["shop", "blog", "ann", "all"]),
    st.sampled_from(["ann", "bob", "eve"]),
    st.booleans(),
)
def test_a_line_that_is_said_to_never_count_never_does(
    first: tuple[str, str, str, str],
    second: tuple[str, str, str, str],
    client: Peer,
    database: str,
    user: str,
    encrypted: bool,
) -> None:
    lines = read_hba(text(first, "md5") + text(second, "trust"), Report(""), tls=True)
    found = match(lines, client, database=database, real_database=database, user=user, encrypted=encrypted)
    assert not (covers(*lines) and found is lines[1])


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("host all all all trust", True),
        ("host all ann 0.0.0.0/0 trust", True),
        ("host all all ::/0 trust", True),
        ("host all all 127.0.0.1/32 trust", False),
        ("local all all trust", False),
        ("host all all all md5", False),
    ],
)
def test_the_world_is_not_trusted(line: str, wrong: bool) -> None:
    assert bool(told("hba-trust", patient(configuration(hba=line)))) is wrong


@pytest.mark.parametrize(
    ("limits", "settings", "expected"),
    [
        ("shop web 5\nshop web 3\n", {}, "never counts: line 1 is for the same"),
        ("shop web 5\nlog web 3\n", {}, "no line of the hba file lets web into log"),
        ("shop bob 5\n", {"allow_unknown_users": False}, "user bob is not in the users file"),
        ("shop bob 5\n", {"allow_unknown_users": True}, ""),
        ("shop bob 5\n", {"allow_unknown_users": False, "auth_query": True}, ""),
        ("shop=store web 5\n", {}, ""),
    ],
)
def test_lines_of_the_databases_file_can_match(limits: str, settings: dict[str, bool], expected: str) -> None:
    made = configuration(limits=limits, hba="host shop,store all all md5\n", **settings)
    found = told("limits", patient(made))
    assert [expected in line for _, line in found] == ([True] if expected else [])


def test_without_the_users_nobody_is_said_not_to_exist() -> None:
    made = configuration(limits="shop bob 5\n", allow_unknown_users=False)
    assert told("limits", replace(patient(made), secrets=None)) == []
    assert told("limits", replace(patient(made), secrets=Secrets({"bob": "x"}))) == []
