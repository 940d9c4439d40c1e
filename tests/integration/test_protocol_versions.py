"""Versions of the protocol: 3.0 and 3.2 are spoken, the rest is negotiated, once; and how long cancel keys are."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from agroal.auth.md5 import md5_response, md5_secret
from tests.integration.by_hand import TRUSTING, Guest, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.doors import HBA, door, limits
from tests.integration.postgres import Database, Login
from tests.integration.raw import RawClient, fields
from tests.integration.unharmed import unharmed
from tests.integration.waiting import wait_until
from tests.unit.wire.messages import message, startup

LET_IN = "R", bytes(4)


@pytest.fixture(scope="module")
def single(database: Database) -> Login:
    """A role with one connection at most."""
    return database.role("single")


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, single: Login) -> Agroal:
    lines = f"{database.name} {single.name} 1\n{limits(database)}"
    return module_agroal(database, hba=HBA + TRUSTING, limits=lines)


@pytest.fixture(autouse=True)
def others_are_served(pool: Agroal) -> Iterator[None]:
    with unharmed(pool):
        yield


def hello(database: Database, method: str = "trust", *more: str, version: int = 3 << 16) -> bytes:
    """The startup packet of a client at this door."""
    return startup("user", database.scram.name, "database", door(method), *more, version=version)


GREASE = "_pq_.test_protocol_negotiation"


@pytest.mark.parametrize(
    ("version", "spoken", "options"),
    [
        pytest.param(3 << 16, 3 << 16, (GREASE, "_pq_.other"), id="3.0 with options"),
        pytest.param(3 << 16 | 1, 3 << 16, (), id="3.1, which never was"),
        pytest.param(3 << 16 | 2, 3 << 16 | 2, (GREASE,), id="3.2 with an option"),
        pytest.param(3 << 16 | 3, 3 << 16 | 2, (), id="3.3"),
        pytest.param(3 << 16 | 9999, 3 << 16 | 2, (GREASE,), id="3.9999 with an option"),
    ],
)
@pytest.mark.parametrize("method", ["trust", "md5"])
def test_a_newer_protocol_is_negotiated_down_once(
    pool: Agroal, database: Database, version: int, spoken: int, options: tuple[str, ...], method: str
) -> None:
    """S05: before anything else is said, with all options that are not known, and not again after the login."""
    pairs = [text for name in options for text in (name, "")]
    listed = b"".join(name.encode() + b"\0" for name in options)
    with RawClient(pool, hello(database, method, *pairs, version=version)) as client:
        heard = [client.hear()]
        if method == "md5":
            challenge = client.hear()
            assert challenge
            secret = md5_secret(database.scram.password, database.scram.name)
            client.say(message("p", md5_response(secret, challenge[1][4:]).encode() + b"\0"))
        heard += client.hear_until("Z")
        assert ("D", b"\0\1\0\0\0\x017") in client.say(query("SELECT 7")).hear_until("Z")

    assert heard[:2] == [("v", struct.pack("!II", spoken, len(options)) + listed), LET_IN]
    assert [kind for kind, _ in heard if kind == "v"] == ["v"]
    [key] = [body for kind, body in heard if kind == "K"]
    assert len(key) == (4 + 32 if spoken > 3 << 16 else 4 + 4)


@pytest.mark.parametrize("version", [3 << 16, 3 << 16 | 2], ids=["3.0", "3.2"])
def test_a_protocol_that_we_speak_is_not_negotiated(pool: Agroal, database: Database, version: int) -> None:
    """S05"""
    with RawClient(pool, hello(database, version=version)) as client:
        heard = client.hear_until("Z")
    assert heard[0] == LET_IN
    assert "v" not in [kind for kind, _ in heard]


def test_s07_a_long_key_cancels_and_no_other_does(pool: Agroal, database: Database) -> None:
    with RawClient(pool, hello(database, version=3 << 16 | 2)) as client:
        [key] = [body for kind, body in client.hear_until("Z") if kind == "K"]
        client.say(query("SELECT pg_sleep(3600)"))
        wait_until(lambda: any("pg_sleep" in one.query for one in database.activity()), "the query runs")
        for wrong in (key[:8], key[:-1], key + bytes(1), key[:-1] + bytes([key[-1] ^ 1]), key[:4] + bytes(252)):
            send_cancel(pool, wrong)
        assert any("pg_sleep" in one.query and one.state == "active" for one in database.activity())
        send_cancel(pool, key)
        heard = client.hear_until("Z")
    assert [fields(body)["C"] for kind, body in heard if kind == "E"] == ["57014"]


@pytest.mark.parametrize("length", [0, 7, 261, 9_000])
def test_s07_a_key_of_an_impossible_length_is_refused(pool: Agroal, length: int) -> None:
    with RawClient(pool, cancel_request(bytes(length))) as client:
        assert client.end()["M"] == "invalid length of cancel request"


def send_cancel(pool: Agroal, key: bytes) -> None:
    with RawClient(pool, cancel_request(key)) as requesting:
        assert requesting.hear_out() == []


def cancel_request(key: bytes) -> bytes:
    return struct.pack("!II", 8 + len(key), 80877102) + key


def test_a_newer_protocol_is_negotiated_down_once_also_where_the_client_has_to_wait(
    pool: Agroal, single: Login
) -> None:
    """S05 (PgBouncer issues 1459, 1460)"""
    with Guest(pool, single) as first:
        first.enter()
        packet = startup("user", single.name, "database", door("trust"), GREASE, "", version=3 << 16 | 9999)
        second = RawClient(pool, packet)
        wait_until(lambda: pool.snapshot().waiters, "the second client waits")
    with second:
        heard = second.hear_until("Z")

    assert [kind for kind, _ in heard if kind in "vRZ"] == ["v", "R", "Z"]


def test_libpq_with_the_newest_protocol_gets_in(pool: Agroal) -> None:
    for method in ("trust", "scram-sha-256"):
        with pool.connect(database=door(method), max_protocol_version="latest") as client:
            assert client.execute("SELECT 6 * 7").fetchone() == (42,)
