"""Servers that are not to be trusted: what they say is bounded, checked, and ends nobody but who asked for them."""

from __future__ import annotations

import socket
import struct
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.integration.by_hand import TRUSTING, Guest, Refused, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.fake_server import Behaviour, FakeServer, says
from tests.integration.memory import MIB, bounded
from tests.integration.postgres import Database
from tests.integration.waiting import wait_until
from tests.unit.wire.messages import READY, authentication, error, message, parameter

OK = authentication(0)
KEY = message("K", bytes(8))
PLUS, SCRAM = b"SCRAM-SHA-256-PLUS\0", b"SCRAM-SHA-256\0"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, server: FakeServer) -> Agroal:
    where = {"host": server.host, "port": server.port}
    return module_agroal(database, server=where, hba=TRUSTING, connection_retry_delay="1ms", connect_timeout="2s")


@pytest.fixture(autouse=True)
def a_good_server_is_used_afterwards(pool: Agroal, server: FakeServer) -> Iterator[None]:
    """And nothing is left of the bad one."""
    yield
    server.behaviour = serves
    wait_until(lambda: gets_in(pool), "a good server is used")
    pool.manage("flush", "all")
    wait_until(lambda: not pool.snapshot().slots, "its connection is closed")


@pytest.fixture
def asked_for_tls(pool: Agroal, server: FakeServer) -> Iterator[Callable[[str], None]]:
    """Have the server asked for TLS, in this mode, until the end of the test."""

    def reload(mode: str) -> None:
        where = {"host": server.host, "port": server.port, "tls": mode}
        pool.configure(where, connection_retry_delay="1ms", connect_timeout="2s")
        pool.manage("conf", "reload")

    yield reload
    reload("disable")


def serves(connection: socket.socket) -> None:
    """Lets everybody in, and has one answer to everything."""
    connection.recv(10_000)
    connection.sendall(OK + KEY + READY)
    while (asked := connection.recv(10_000)) and asked[:1] != b"X":
        connection.sendall(message("C", b"SELECT 1\0") + READY)


def gets_in(pool: Agroal) -> bool:
    with suppress(Refused), Guest(pool, pool.database.scram) as client:
        client.enter()
        return True
    return False


def refusal(pool: Agroal) -> Refused:
    with Guest(pool, pool.database.scram) as client, pytest.raises(Refused) as caught:
        client.enter()
    return caught.value


def asks_for_scram(challenge: Callable[[bytes], bytes], mechanisms: bytes = SCRAM) -> Behaviour:
    """SCRAM with this server-first-message to a client's nonce; whoever answers that is let in without a signature."""

    def behave(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(authentication(10, mechanisms + b"\0"))
        initial = connection.recv(10_000)
        nonce = initial.partition(b"r=")[2]
        connection.sendall(authentication(11, challenge(nonce)))
        if connection.recv(10_000):
            connection.sendall(OK + KEY + READY)

    return behave


def first(nonce: bytes, salt: bytes = bytes(16), count: bytes = b"4096") -> bytes:
    return b"r=%s,s=%s,i=%s" % (nonce, b64encode(salt), count)


CHALLENGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a long nonce": (lambda nonce: first(nonce + b"x" * 2000), "the nonce must be 1 to 1024 printable characters"),
    "another nonce": (lambda nonce: first(b"x" + nonce), "the nonce must begin with ours and be longer"),
    "no nonce of its own": (first, "the nonce must begin with ours and be longer"),
    "no salt": (lambda nonce: first(nonce + b"x", b""), "the salt must be 1 to 1024 bytes"),
    "a long salt": (lambda nonce: first(nonce + b"x", bytes(2000)), "the salt must be 1 to 1024 bytes"),
    "no rounds": (lambda nonce: first(nonce + b"x", count=b"0"), "the iterations must be 1 to"),
    "two thousand million rounds": (lambda nonce: first(nonce + b"x", count=b"2147483647"), "the iterations must be"),
    "endless rounds": (lambda nonce: first(nonce + b"x", count=b"9" * 5000), "the iterations must be 1 to"),
    "an extension": (lambda nonce: b"m=x," + first(nonce + b"x"), "it requires an extension that is not supported"),
    "nonsense": (lambda _: bytes(range(256)), "it is not a list of attributes"),
    "nothing": (lambda _: b"", "it is not a list of attributes"),
}


@pytest.mark.parametrize(("challenge", "words"), CHALLENGES.values(), ids=CHALLENGES)
def test_s15_a_challenge_that_is_none_costs_nothing(
    pool: Agroal, server: FakeServer, challenge: Callable[[bytes], bytes], words: str
) -> None:
    """CVE-2026-6665"""
    server.behaviour = asks_for_scram(challenge)
    with bounded(pool.pid, 4 * MIB):
        told = refusal(pool)
    assert told.sqlstate == "08001"
    assert words in told.fields["D"]


@pytest.mark.parametrize("salt", [b"x", bytes(12), bytes(1024)], ids=len)
def test_s15_a_server_that_does_not_prove_itself_is_not_believed(pool: Agroal, server: FakeServer, salt: bytes) -> None:
    """Whatever the length of its salt, which is its own business."""
    server.behaviour = asks_for_scram(lambda nonce: first(nonce + b"x", salt))
    assert "the server left the SCRAM exchange" in str(refusal(pool))


@pytest.mark.parametrize("mechanisms", [PLUS, PLUS + SCRAM, SCRAM + PLUS], ids=["only", "first", "last"])
def test_s15_binding_that_is_offered_in_the_clear_is_not_believed(
    pool: Agroal, server: FakeServer, mechanisms: bytes
) -> None:
    server.behaviour = says(authentication(10, mechanisms + b"\0"))
    assert "has somebody in between removed the TLS?" in str(refusal(pool))


def test_s15_a_server_without_a_mechanism_of_ours_is_named(pool: Agroal, server: FakeServer) -> None:
    server.behaviour = says(authentication(10, b"OAUTHBEARER\0\0"))
    assert "offers no SASL mechanism that agroal can use: OAUTHBEARER" in str(refusal(pool))


GREETINGS = {
    "an unknown authentication": (authentication(7), "does not support (code 7)"),
    "two authentications": (authentication(3) + authentication(3), "more than one authentication"),
    "a row": (OK + message("D", b"\0\0"), 'a message of type "D" in the middle of the login'),
    "a type that is none": (b"\0\0\0\0\x04", "in the middle of the login"),
    "a length of 3": (b"R\0\0\0\3", "does not speak PostgreSQL's protocol: invalid message length"),
    "a length of -1": (b"R\xff\xff\xff\xff", "does not speak PostgreSQL's protocol: invalid message length"),
    "a gigabyte": (b"R" + struct.pack("!I", 1 << 30), "does not speak PostgreSQL's protocol: invalid message length"),
    "http": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak PostgreSQL's protocol"),
    "a key of a kilobyte": (OK + message("K", bytes(1000)) + READY, 'a message of type "K" in the middle'),
    "a key of three bytes": (OK + message("K", bytes(3)) + READY, 'a message of type "K" in the middle'),
    "in a transaction": (OK + KEY + message("Z", b"T"), 'a message of type "Z" in the middle of the login'),
    "more than its greeting": (OK + KEY + READY + READY, "said more than a login needs"),
    "half of its greeting": (OK + KEY[:5], "closed the connection during the login"),
}


@pytest.mark.parametrize(("said", "words"), GREETINGS.values(), ids=GREETINGS)
def test_what_is_no_greeting_is_refused_in_words(pool: Agroal, server: FakeServer, said: bytes, words: str) -> None:
    server.behaviour = says(said)
    told = refusal(pool)
    assert told.sqlstate == "08001"
    assert words in str(told)


def test_s12_an_error_of_a_server_may_lack_anything(pool: Agroal, server: FakeServer) -> None:
    """CVE-2026-6666: no SQLSTATE, no message, no end."""
    for said in (error("SFATAL", "Mgo away"), error(), message("E"), message("E", b"\0"), message("E", b"Mgo away")):
        server.behaviour = says(said)
        assert refusal(pool).fields["S"] == "FATAL"


def test_s12_notices_and_errors_in_the_login_are_heard(pool: Agroal, server: FakeServer) -> None:
    notice = message("N", b"SWARNING\0C01000\0Mmind the gap\0\0")
    server.behaviour = says(notice + OK + notice + error("SFATAL", "C57P03", "Mstarting up"))
    told = refusal(pool)
    assert (told.sqlstate, str(told)) == ("57P03", "starting up")


def test_s07_a_server_without_a_cancel_key_serves(pool: Agroal, server: FakeServer) -> None:
    """As Amazon's RDS Proxy does."""

    def keyless(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(OK + READY)
        while (asked := connection.recv(10_000)) and asked[:1] != b"X":
            connection.sendall(message("C", b"SELECT 1\0") + READY)

    server.behaviour = keyless
    with Guest(pool, pool.database.scram) as client:
        client.enter().cancel()  # there is nobody to tell
        client.say(query("SELECT 1"))
        assert [kind for kind, _ in client.answer()] == ["C", "Z"]


@pytest.mark.parametrize("mode", ["prefer", "require"])
@pytest.mark.parametrize(
    "answer",
    [b"S" + READY, b"SS", b"N" + OK, error("SFATAL", "C28000", "Mgo away"), b"X", b""],
    ids=["S and more", "SS", "N and more", "an error", "X", "nothing"],
)
def test_s03_what_comes_with_the_answer_in_the_clear_is_not_believed(
    pool: Agroal, server: FakeServer, asked_for_tls: Callable[[str], None], answer: bytes, mode: str
) -> None:
    """CVE-2021-23222; and an error from who knows whom is not repeated (CVE-2024-10977)."""
    server.behaviour = says(answer)
    asked_for_tls(mode)
    told = refusal(pool)
    assert told.sqlstate == "08001"
    assert "go away" not in str(told.fields)


@pytest.mark.parametrize("handshake", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"\x16\x03\x03\xff\xff" + bytes(70_000)])
def test_a_handshake_that_is_none_is_refused_in_words(
    pool: Agroal, server: FakeServer, asked_for_tls: Callable[[str], None], handshake: bytes
) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(8)
        connection.sendall(b"S")
        connection.recv(10_000)
        connection.sendall(handshake)

    server.behaviour = behave
    asked_for_tls("require")
    with bounded(pool.pid, 4 * MIB):
        told = refusal(pool)
    assert told.sqlstate == "08001"
    assert "TLS" in str(told)


def floods(beginning: bytes, again: bytes) -> Behaviour:
    """Says the second for ever, or until nobody listens."""

    def behave(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(beginning)
        while True:
            connection.sendall(again)

    return behave


LONG_NOTICE = message("N", b"SNOTICE\0C00000\0M" + b"x" * 8000 + b"\0\0")


@pytest.mark.parametrize(
    ("beginning", "again"),
    [(b"", LONG_NOTICE), (OK, LONG_NOTICE), (OK, parameter("same", "x" * 8000))],
    ids=["notices", "notices behind the login", "a parameter"],
)
def test_a_login_without_end_is_over_in_time_and_takes_no_memory(
    agroal: Launch, database: Database, server: FakeServer, beginning: bytes, again: bytes
) -> None:
    where = {"host": server.host, "port": server.port}
    pool = agroal(database, server=where, hba=TRUSTING, connect_timeout="300ms", connection_retry_delay="1ms")
    server.behaviour = floods(beginning, again)
    with bounded(pool.pid):
        assert "did not answer within 0.3 s" in str(refusal(pool))
    server.behaviour = serves


TOO_MANY = "".join(f"setting_{number}\0{'x' * 10_000}\0\n" for number in range(3_000)).splitlines()
"""Thirty megabytes of settings, each with a name of its own."""


@pytest.mark.parametrize("settings", [TOO_MANY, [f"huge\0{'x' * 2_000_000}\0"]], ids=["many", "one that is huge"])
def test_settings_without_measure_are_not_kept(pool: Agroal, server: FakeServer, settings: list[str]) -> None:
    said = b"".join(message("S", setting.encode()) for setting in settings)
    server.behaviour = says(OK + said + KEY + READY)
    with bounded(pool.pid, 16 * MIB):
        told = refusal(pool)
    assert told.sqlstate == "08001"


def test_settings_without_measure_end_a_session_too(pool: Agroal, server: FakeServer) -> None:
    said = b"".join(message("S", setting.encode()) for setting in TOO_MANY)

    def behave(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(OK + KEY + READY)
        connection.recv(10_000)  # its settings
        connection.sendall(message("C", b"SELECT 1\0") + READY)
        connection.recv(10_000)
        connection.sendall(said)
        connection.recv(10_000)

    server.behaviour = behave
    with bounded(pool.pid, 16 * MIB), Guest(pool, pool.database.scram) as client:
        client.enter().say(query("SELECT 1"))
        heard = client.hear_out()  # it may end in the middle of one
    assert len(heard) < len(TOO_MANY)
    wait_until(lambda: not pool.snapshot().slots, "the server is gone")


GARBAGE = {
    "no length": b"D\0\0\0\0",
    "a length of 3": b"T\0\0\0\3",
    "a negative length": b"D\xff\xff\xff\xff",
    "nulls": bytes(100),
    "a client's message": query("SELECT 1"),
    "no letter": b"!\0\0\0\4",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_in_the_midst_of_an_answer_ends_both_sides_and_nobody_else(
    pool: Agroal, server: FakeServer, garbage: bytes
) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(OK + KEY + READY)
        connection.recv(10_000)  # its settings
        connection.sendall(message("C", b"SELECT 1\0") + READY)
        connection.recv(10_000)
        connection.sendall(message("T", b"\0\0") + garbage)
        connection.recv(10_000)

    server.behaviour = behave
    with Guest(pool, pool.database.scram) as client:
        client.enter().say(query("SELECT 1"))
        assert client.end()["C"] == "08006"
    wait_until(lambda: not pool.snapshot().slots, "the server is gone")


def test_what_a_server_says_unasked_reaches_nobody(pool: Agroal, server: FakeServer) -> None:
    """Rows that lie ready in a free server are not for whoever comes next (PgDog issue 759)."""

    def behave(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(OK + KEY + READY)
        while (asked := connection.recv(10_000)) and asked[:1] != b"X":
            extra = message("D", b"\0\1\0\0\0\6secret") if b"DISCARD" in asked else b""
            connection.sendall(message("C", b"SELECT 1\0") + READY + extra)

    server.behaviour, before = behave, server.connections
    for _ in range(3):
        with Guest(pool, pool.database.scram) as client:
            greeting = client.answer()
            client.say(query("SELECT 1"))
            heard = greeting + client.answer()
        assert [kind for kind, _ in heard if kind in "CDZ"] == ["Z", "C", "Z"]
        wait_until(lambda: not pool.snapshot().slots, "the server is closed")
    assert server.connections == before + 3
