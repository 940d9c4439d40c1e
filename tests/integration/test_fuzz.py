"""Valid conversations with mistakes in them, some hundred of them, on both sides: afterwards everything is as before.

The mistakes come from a generator with a fixed seed, so that what fails once fails again.
"""

from __future__ import annotations

import random
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.certificates import Authority, Identity
from tests.integration.by_hand import Guest, batch, copy_data, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.encrypted import SSL_REQUEST, offering, trusting
from tests.integration.fake_server import Behaviour, FakeServer
from tests.integration.memory import bounded
from tests.integration.postgres import Database
from tests.integration.raw import RawClient
from tests.integration.unharmed import unharmed
from tests.integration.waiting import wait_until
from tests.unit.wire.messages import READY, SYNC, TERMINATE, authentication, error, message, parameter, startup

ROUNDS = 60
"""Conversations of each test."""
PATIENCE = 0.2
"""Seconds until a server hangs up on somebody who waits for more."""

Pieces = list[bytes]


class Fate:
    """Chooses what goes wrong."""

    def __init__(self, seed: object) -> None:
        self._dice = random.Random(str(seed))

    def spoil(self, pieces: Pieces) -> Pieces:
        """The same conversation with one to three mistakes."""
        spoilt = list(pieces)
        for _ in range(self._dice.randint(1, 3)):
            at = self._dice.randrange(len(spoilt))
            spoilt[at] = self._spoil(spoilt[at])
            if self._dice.random() < 0.2:
                spoilt.insert(self._dice.randrange(len(spoilt)), self._dice.choice(spoilt))
            if self._dice.random() < 0.1 and len(spoilt) > 1:
                del spoilt[self._dice.randrange(len(spoilt))]
        return spoilt

    def _spoil(self, piece: bytes) -> bytes:
        if not piece:
            return self._dice.randbytes(5)
        at = self._dice.randrange(len(piece))
        match self._dice.randrange(7):
            case 0:
                return piece[:at] + bytes([piece[at] ^ 1 << self._dice.randrange(8)]) + piece[at + 1 :]
            case 1:
                return piece[:at]
            case 2:
                return piece[:at] + self._dice.randbytes(self._dice.randint(1, 40)) + piece[at:]
            case 3:
                return piece[:at] + piece[at + self._dice.randint(1, 8) :]
            case 4:  # another length
                claim = self._dice.choice([0, 3, 4, 5, 0xFFFF, 0x10000, 1 << 30, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF])
                return piece[:1] + struct.pack("!I", claim) + piece[5:]
            case 5:  # another type
                return self._dice.randbytes(1) + piece[1:]
            case _:
                return self._dice.randbytes(len(piece))

    def cut(self, data: bytes) -> Iterator[bytes]:
        """In pieces of any size."""
        while data:
            size = self._dice.choice([1, 3, 17, 500, 100_000])
            yield data[:size]
            data = data[size:]


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    return authority.issue("agroal")


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, identity: Identity) -> Agroal:
    hba = "host trusted all all trust\nhost all all all scram-sha-256\n"
    return module_agroal(
        database, hba=hba, limits=f"{database.name}=trusted all 5\nall all 5\n", backlog=500, **offering(identity)
    )


def said_by_clients(database: Database) -> dict[str, Pieces]:
    """Valid conversations."""
    hello = startup("user", database.scram.name, "database", "trusted", "options", "-c work_mem=3MB")
    return {
        "a login": [startup("user", database.scram.name, "database", database.name), password()],
        "a query": [hello, query("SELECT 1"), TERMINATE],
        "a batch": [hello, batch("SELECT 1"), SYNC, batch("SELECT 2"), message("H"), SYNC, TERMINATE],
        "a copy": [
            hello,
            query("CREATE TEMP TABLE t (n int); COPY t FROM STDIN"),
            copy_data(b"1\n"),
            message("c"),
            TERMINATE,
        ],
        "questions": [SSL_REQUEST[:8], struct.pack("!II", 8, 80877104), hello, query("SELECT 1"), TERMINATE],
        "a cancel": [struct.pack("!II", 16, 80877102) + bytes(8)],
        "3.2": [
            startup("user", database.scram.name, "database", "trusted", "_pq_.x", "y", version=3 << 16 | 2),
            query("SELECT 1"),
            TERMINATE,
        ],
    }


def password() -> bytes:
    first = b"n,,n=,r=abcdefghijklmnop"
    return message("p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first)


def converse(client: RawClient, data: Iterator[bytes]) -> None:
    """Say all of it, and listen to the end, whatever is said."""
    with suppress(OSError):
        client.say(*data).say_no_more()
        while client.hear_byte():
            pass


CONVERSATIONS = ["a login", "a query", "a batch", "a copy", "questions", "a cancel", "3.2"]


@pytest.mark.parametrize("kind", CONVERSATIONS)
def test_clients_that_make_mistakes_harm_nobody(pool: Agroal, database: Database, kind: str) -> None:
    """S08, S13, S14, Q18"""
    fate, pieces = Fate(kind), said_by_clients(database)[kind]
    with unharmed(pool), bounded(pool.pid):
        for _ in range(ROUNDS):
            with RawClient(pool) as client:
                converse(client, fate.cut(b"".join(fate.spoil(pieces))))
    assert "internal error" not in pool.log


@pytest.mark.parametrize("kind", ["a login", "a batch"])
def test_clients_that_make_mistakes_within_tls_harm_nobody(
    pool: Agroal, database: Database, authority: Authority, kind: str
) -> None:
    fate, pieces = Fate(f"tls {kind}"), said_by_clients(database)[kind]
    with unharmed(pool), bounded(pool.pid):
        for _ in range(ROUNDS):
            with RawClient(pool, SSL_REQUEST) as client:
                client.hear_byte()
                client.secure(trusting(authority))
                converse(client, fate.cut(b"".join(fate.spoil(pieces))))
    assert "internal error" not in pool.log


def test_handshakes_with_mistakes_harm_nobody(pool: Agroal, authority: Authority) -> None:
    fate = Fate("handshake")
    with unharmed(pool), bounded(pool.pid):
        for number in range(ROUNDS):
            outgoing = ssl.MemoryBIO()
            tls = trusting(authority).wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
            with suppress(ssl.SSLWantReadError):
                tls.do_handshake()
            with RawClient(pool) as client:
                asked = [SSL_REQUEST] if number % 2 else []
                if asked:
                    client.say(*asked).hear_byte()
                converse(client, fate.cut(b"".join(fate.spoil([outgoing.read()]))))
    assert "internal error" not in pool.log


# Servers

GREETING = [authentication(0), parameter("server_version", "15.0"), message("K", bytes(8)), READY]
ANSWER = [message("T", b"\0\0"), message("D", b"\0\0"), message("C", b"SELECT 1\0"), READY]
REFUSAL = [message("N", b"SNOTICE\0C00000\0Mhm\0\0"), error("SFATAL", "C53300", "Mtoo many")]
SASL = [authentication(10, b"SCRAM-SHA-256\0\0"), authentication(11, b"r=x,s=eA==,i=1"), authentication(12, b"v=x")]


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture(scope="module")
def astray(module_agroal: Launch, database: Database, server: FakeServer) -> Agroal:
    """Its server is not PostgreSQL."""
    where = {"host": server.host, "port": server.port}
    hba = "host all all all trust\n"
    return module_agroal(database, server=where, hba=hba, connect_timeout="1s", connection_retry_delay="1ms")


def answers(greeting: Pieces, *replies: Pieces) -> Behaviour:
    """To the startup packet, then to one message after the other; then it hangs up."""

    def behave(connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        with suppress(TimeoutError):
            for reply in (greeting, *replies):
                if not connection.recv(10_000):
                    return
                connection.sendall(b"".join(reply))

    return behave


SERVERS = {
    "a greeting": (GREETING, None),
    "a refusal": (REFUSAL, None),
    "SCRAM": (SASL, None),
    "an answer": (GREETING, ANSWER),
}


@pytest.mark.parametrize("kind", SERVERS)
def test_servers_that_make_mistakes_harm_nobody(
    astray: Agroal, database: Database, server: FakeServer, kind: str
) -> None:
    """S12, S13, S15"""
    fate = Fate(kind)
    greeting, answer = SERVERS[kind]
    with bounded(astray.pid):
        for _ in range(ROUNDS):
            if answer is None:
                server.behaviour = answers(fate.spoil(greeting), ANSWER, ANSWER)
            else:
                server.behaviour = answers(greeting, ANSWER, fate.spoil(answer), ANSWER)
            with Guest(astray, database.scram) as client:
                converse(client, iter([query("SELECT 1"), TERMINATE]))
            astray.manage("flush", "all")  # this server listens to one connection at a time
    assert "internal error" not in astray.log
    wait_until(lambda: not (astray.snapshot().clients or astray.snapshot().slots), "nobody is there any more")
    server.behaviour = answers(GREETING, ANSWER, ANSWER, ANSWER)
    with Guest(astray, database.scram) as client:
        client.enter().say(query("SELECT 1"))
        assert [kind for kind, _ in client.answer()] == ["T", "D", "C", "Z"]
