"""What comes before a login, and should not: it ends who sent it, with words that help, and nobody else."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from tests.integration.by_hand import TRUSTING, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.doors import HBA, door, limits
from tests.integration.postgres import Database
from tests.integration.raw import RawClient
from tests.integration.unharmed import unharmed
from tests.integration.waiting import wait_until
from tests.unit.wire.messages import TERMINATE, message, startup

SSL_REQUEST = struct.pack("!II", 8, 80877103)
GSSENC_REQUEST = struct.pack("!II", 8, 80877104)


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database) -> Agroal:
    return module_agroal(database, hba=HBA + TRUSTING, limits=limits(database), log_connections=True)


@pytest.fixture(autouse=True)
def others_are_served(pool: Agroal) -> Iterator[None]:
    with unharmed(pool):
        yield


def hello(database: Database, method: str = "trust", *more: str) -> bytes:
    """The startup packet of a client at this door."""
    return startup("user", database.scram.name, "database", door(method), *more)


def of_length(length: int, user: str) -> bytes:
    """A startup packet that is this long. What fills it means nothing."""
    empty = startup("user", user, "database", door("trust"), "options", "")
    return startup("user", user, "database", door("trust"), "options", " " * (length - len(empty)))


LET_IN = "R", bytes(4)
INVALID_LENGTH = "08P01", "invalid length of startup packet"
INVALID_LAYOUT = "08P01", "invalid startup packet layout"
FIRST_PACKETS = {
    "garbage": (b"\xde\xad\xbe\xef" * 100, *INVALID_LENGTH),
    "a lot of garbage": (b"\xde\xad\xbe\xef" * 200_000, *INVALID_LENGTH),
    "http": (b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", *INVALID_LENGTH),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(508), *INVALID_LENGTH),
    "length 0": (struct.pack("!II", 0, 3 << 16), *INVALID_LENGTH),
    "length 7": (struct.pack("!II", 7, 3 << 16), *INVALID_LENGTH),
    "length -1": (struct.pack("!iI", -1, 3 << 16), *INVALID_LENGTH),
    "10 001 bytes": (of_length(10_001, "anybody"), *INVALID_LENGTH),
    "a password": (message("p", b"secret\0"), *INVALID_LENGTH),
    "a query": (query("SELECT 1"), *INVALID_LENGTH),
    "no end": (struct.pack("!II", 16, 3 << 16) + b"user\0ann", *INVALID_LAYOUT),
    "a name without a value": (startup("user", "ann", "database"), *INVALID_LAYOUT),
    "more behind the end": (struct.pack("!II", 22, 3 << 16) + b"user\0ann\0\0more\0", *INVALID_LAYOUT),
    "no user": (startup("database", "shop"), "28000", "no PostgreSQL user name specified in startup packet"),
    "protocol 2.0": (startup("user", "ann", version=2 << 16), "0A000", "unsupported frontend protocol 2.0: "),
    "protocol 4.1": (startup("user", "ann", version=4 << 16 | 1), "0A000", "unsupported frontend protocol 4.1: "),
    "a cancel request without a key": (struct.pack("!II", 8, 80877102), "08P01", "invalid length of cancel request"),
}


@pytest.mark.parametrize(("data", "sqlstate", "words"), FIRST_PACKETS.values(), ids=FIRST_PACKETS)
def test_what_is_no_startup_packet_is_refused_in_words(pool: Agroal, data: bytes, sqlstate: str, words: str) -> None:
    """S06, S08, and S14: a password is no startup packet either (CVE-2015-4054)."""
    with RawClient(pool, data) as client:
        told = client.end()

    assert (told["S"], told["C"]) == ("FATAL", sqlstate)
    assert told["M"].startswith(words)


def test_a_startup_packet_may_have_ten_thousand_bytes(pool: Agroal, database: Database) -> None:
    """S08"""
    packet = of_length(10_000, database.scram.name)
    assert len(packet) == 10_000

    with RawClient(pool, packet) as client:
        assert client.hear_until("Z")[0] == LET_IN


def test_a_client_may_send_one_byte_at_a_time(pool: Agroal, database: Database) -> None:
    """S08"""
    conversation = SSL_REQUEST, hello(database), query("SELECT 6 * 7")
    with RawClient(pool) as client:
        client.say(*(bytes([byte]) for byte in conversation[0]))
        assert client.hear_byte() == b"N"
        for part in conversation[1:]:
            client.say(*(bytes([byte]) for byte in part))
            heard = client.hear_until("Z")
        assert ("D", b"\0\1\0\0\0\x0242") in heard
        assert client.say(TERMINATE).hear() is None


def test_what_is_sent_ahead_is_answered_in_its_turn(pool: Agroal, database: Database) -> None:
    with RawClient(pool, hello(database) + query("SELECT 6") + query("SELECT 7")) as client:
        greeting, first, second = (client.hear_until("Z") for _ in range(3))

    assert greeting[0] == LET_IN
    assert ("D", b"\0\1\0\0\0\x016") in first
    assert ("D", b"\0\1\0\0\0\x017") in second


def test_who_comes_and_goes_without_a_whole_packet_leaves_no_line_in_the_log(pool: Agroal, database: Database) -> None:
    """S17"""
    seen = len(pool.log)
    with socket.create_connection((pool.host, pool.port)) as rude:
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # it leaves with a reset
    for data in (b"", b"\0\0", hello(database)[:20]):
        with RawClient(pool, data) as client:
            assert client.say_no_more().hear_out() == []
    wait_until(lambda: len(pool.snapshot().clients) == 1, "only the bystander is left")
    pool.connect(database=door("trust"), application_name="who comes after them").close()
    wait_until(lambda: "who comes after them" in pool.log[seen:], "the log is written")

    assert all(" connect: client" in line for line in pool.log[seen:].splitlines())


def test_who_does_not_finish_the_login_in_time_is_told_so(agroal: Launch, database: Database) -> None:
    pool = agroal(database, hba=HBA, limits=limits(database), authentication_timeout="500ms")
    beginnings = b"", b"\0\0", SSL_REQUEST, hello(database)[:20], hello(database, "md5"), hello(database, "all")
    clients = [RawClient(pool, data) for data in beginnings]
    for client, data in zip(clients, beginnings, strict=True):
        if data == SSL_REQUEST:
            assert client.hear_byte() == b"N"
        with client:
            told = client.end()
        assert (told["C"], told["M"]) == ("57014", "canceling authentication due to timeout")


@pytest.mark.parametrize("requests", [(SSL_REQUEST,), (GSSENC_REQUEST,), (SSL_REQUEST, GSSENC_REQUEST)])
def test_requests_for_encryption_are_declined_in_any_order(
    pool: Agroal, database: Database, requests: tuple[bytes, ...]
) -> None:
    """S01"""
    for order in (requests, requests[::-1]):
        with RawClient(pool) as client:
            for request in order:
                assert client.say(request).hear_byte() == b"N"
            assert client.say(hello(database)).hear_until("Z")[0] == LET_IN


def test_nobody_asks_for_the_same_encryption_twice(pool: Agroal) -> None:
    """S01: as PostgreSQL, which takes the second for a version of the protocol."""
    with RawClient(pool, SSL_REQUEST) as client:
        assert client.hear_byte() == b"N"
        told = client.say(SSL_REQUEST).end()

    assert told["C"] == "0A000"
    assert told["M"].startswith("unsupported frontend protocol 1234.5679")


@pytest.mark.parametrize("request_", [SSL_REQUEST, GSSENC_REQUEST], ids=["tls", "gss"])
def test_nothing_may_be_sent_ahead_of_encryption(pool: Agroal, database: Database, request_: bytes) -> None:
    """S02: What came in the clear would count as encrypted (CVE-2021-23214)."""
    with RawClient(pool, request_ + hello(database)) as client:
        told = client.end()

    assert (told["C"], told["M"]) == ("08P01", "received unencrypted data after an encryption request")


NOT_A_PASSWORD = {
    "a query": ("md5", query("SELECT 1"), 'expected password response, got message type "Q"'),
    "a goodbye": ("password", TERMINATE, 'expected password response, got message type "X"'),
    "a query instead of SCRAM": ("all", query("SELECT 1"), 'expected SASL response, got message type "Q"'),
    "64 KiB": ("password", b"p" + struct.pack("!I", 65_537), "invalid message length"),
    "length 3": ("password", b"p\0\0\0\3", "invalid message length"),
    "length -1": ("scram-sha-256", b"p\xff\xff\xff\xff", "invalid message length"),
    "no end": ("password", message("p", b"secret"), "invalid password packet size"),
    "an unknown mechanism": ("all", message("p", b"PLAIN\0\0\0\0\0"), "client selected an invalid SASL auth"),
    "no length": ("all", message("p", b"SCRAM-SHA-256\0"), "malformed SASLInitialResponse"),
    "a wrong length": ("all", message("p", b"SCRAM-SHA-256\0\0\0\0\x09n,,"), "malformed SASLInitialResponse"),
    "no SCRAM": ("all", message("p", b"SCRAM-SHA-256\0\0\0\0\x03n,,"), "malformed SCRAM message"),
}


@pytest.mark.parametrize(("method", "data", "words"), NOT_A_PASSWORD.values(), ids=NOT_A_PASSWORD)
def test_what_is_no_answer_to_the_question_is_refused_in_words(
    pool: Agroal, database: Database, method: str, data: bytes, words: str
) -> None:
    """S13, S14"""
    with RawClient(pool, hello(database, method)) as client:
        kind, _ = client.hear() or ("", b"")
        assert kind == "R"
        told = client.say(data).end()

    assert told["C"] == "08P01"
    assert told["M"].startswith(words)


def test_names_can_not_write_to_the_log(pool: Agroal) -> None:
    name = "eve\r\n2026-01-01 00:00:00 INFO  connect: \x1b[2J\u202e"
    with RawClient(pool, startup("user", name, "database", door("md5"))) as client:
        client.hear()
        assert client.say(message("p", b"md5" + b"0" * 32 + b"\0")).end()["C"] == "28P01"
    wait_until(lambda: "eve" in pool.log, "the log is written")

    line = next(line for line in pool.log.splitlines() if "eve" in line)
    assert r"eve\r\n2026-01-01 00:00:00 INFO  connect: \x1b[2J\u202e database=by_md5 is refused" in line
