"""Clients that are slow, many, or mad: each costs bounded memory and time, and harms nobody else."""

from __future__ import annotations

import resource
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.certificates import Authority, Identity
from tests.integration.by_hand import Guest, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.encrypted import SSL_REQUEST, EncryptedGuest, offering, trusting
from tests.integration.memory import MIB, bounded
from tests.integration.postgres import Database
from tests.integration.raw import RawClient
from tests.integration.remains import open_descriptors
from tests.integration.unharmed import unharmed
from tests.integration.waiting import wait_until
from tests.unit.wire.messages import message, startup

PATIENCE = 0.5
"""Seconds for a login, in the pool that is `impatient`."""
HBA = "host all all all trust\n"
CROWD = 2_000
KIB = 1024


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    return authority.issue("agroal")


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, identity: Identity) -> Agroal:
    return module_agroal(database, hba=HBA, authentication_timeout="1m", backlog=CROWD, **offering(identity))


@pytest.fixture(scope="module")
def impatient(module_agroal: Launch, database: Database, identity: Identity) -> Agroal:
    hba = "host all all all scram-sha-256\n"
    return module_agroal(database, hba=hba, authentication_timeout=f"{PATIENCE * 1000:g}ms", **offering(identity))


# Slowness


def hello(database: Database) -> bytes:
    return startup("user", database.scram.name, "database", database.name)


def client_hello(authority: Authority) -> bytes:
    """The first flight of a TLS handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting(authority).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def test_who_does_not_come_to_the_end_of_a_login_is_sent_away_in_time(
    impatient: Agroal, database: Database, authority: Authority
) -> None:
    """S14: wherever it stops, in the clear, in the handshake, and within TLS."""
    flight = client_hello(authority)
    stops = {
        "nothing": [],
        "half a packet": [hello(database)[:20]],
        "TLS was granted": [SSL_REQUEST],
        "half a handshake": [SSL_REQUEST, flight[:100]],
        "no answer to the handshake": [SSL_REQUEST, flight],
        "half of a direct handshake": [flight[:5]],
        "no answer to a direct handshake": [flight],
        "a password is due": [hello(database)],
        "half a password": [hello(database), b"p\0\0\0\x20SCRAM"],
    }
    with unharmed(impatient), ExitStack() as stack:
        clients = {what: stack.enter_context(RawClient(impatient)) for what in stops}
        for what, pieces in stops.items():
            for piece in pieces:
                clients[what].say(piece)
                if piece == SSL_REQUEST:
                    assert clients[what].hear_byte() == b"S", what
        encrypted = stack.enter_context(EncryptedGuest(impatient, database.scram, trusting(authority)))
        assert [kind for kind, _ in encrypted.hear_out()] == ["R", "E"]
        wait_until(lambda: len(impatient.snapshot().clients) == 1, "only the bystander is left")


def test_one_byte_now_and_then_buys_no_time(impatient: Agroal, database: Database) -> None:
    with unharmed(impatient), RawClient(impatient) as client:
        packet = iter(hello(database) * 100)
        gone = threading.Event()

        def trickle() -> None:
            while not gone.wait(0.05):
                client.say(bytes([next(packet)]))

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            told = client.end()
        finally:
            gone.set()
            thread.join()
    assert told["C"] == "57014"


@pytest.mark.parametrize("claim", [64 * 1024, 1 << 30, 0x7FFF_FFFF])
def test_a_length_is_not_believed_before_the_login(impatient: Agroal, database: Database, claim: int) -> None:
    with unharmed(impatient), bounded(impatient.pid, 4 * MIB), ExitStack() as stack:
        for _ in range(50):
            client = stack.enter_context(RawClient(impatient, hello(database)))
            client.hear()
            client.say(b"p" + struct.pack("!I", claim) + b"x" * 10_000)


def test_a_length_of_a_gigabyte_is_streamed_and_never_stored(pool: Agroal, database: Database) -> None:
    """Q17"""
    with unharmed(pool), bounded(pool.pid), Guest(pool, database.scram).enter() as client:
        client.say(b"Q" + struct.pack("!I", 1 << 30) + b"SELECT '" + b"x" * 40 * MIB)
        client.__exit__()


# Multitudes


@contextmanager
def a_crowd(pool: Agroal, size: int, *said: bytes) -> Iterator[list[socket.socket]]:
    crowd: list[socket.socket] = []
    try:
        for _ in range(size):
            one = socket.create_connection((pool.host, pool.port), 10)
            crowd.append(one)
            for piece in said:
                one.sendall(piece)
        yield crowd
    finally:
        for one in crowd:
            one.close()


@pytest.mark.parametrize(
    ("said", "each"),
    [(b"", 24 * KIB), (b"\0\0\0", 24 * KIB), (SSL_REQUEST, 64 * KIB)],
    ids=["silent", "half a word", "asks for TLS"],
)
def test_two_thousand_who_never_log_in_cost_little_and_hold_up_nobody(pool: Agroal, said: bytes, each: int) -> None:
    if open_descriptors_possible() < CROWD + 200:
        pytest.fail(f"this test needs {CROWD + 200} file descriptors (ulimit -n)")
    with unharmed(pool):
        before = open_descriptors(pool.pid)
        with bounded(pool.pid, CROWD * each), a_crowd(pool, CROWD, said):
            wait_until(lambda: len(pool.snapshot().clients) > CROWD, "all of them have come")
            with pool.connect() as client:
                assert client.execute("SELECT 6 * 7").fetchone() == (42,)
        wait_until(lambda: open_descriptors(pool.pid) <= before, "their descriptors are free")


def open_descriptors_possible() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_many_who_come_and_go_at_once_leave_nothing(pool: Agroal) -> None:
    with unharmed(pool):
        before = open_descriptors(pool.pid)
        for _ in range(10):
            with a_crowd(pool, 100, SSL_REQUEST + b"\x16\x03\x01"):
                pass
        wait_until(lambda: open_descriptors(pool.pid) <= before, "their descriptors are free")


# Madness


GARBAGE = {
    "http": b"GET / HTTP/1.1\r\n\r\n",
    "a record of garbage": b"\x16\x03\x01\x02\x00" + b"\xa5" * 512,
    "a record that is too long": b"\x16\x03\x01\xff\xff" + bytes(65_535),
    "an alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "SSL 2.0": b"\x80\x2e\x01\x00\x02" + bytes(44),
    "a heartbeat": b"\x18\x03\x02\x00\x03\x01\x40\x00",
    "nulls": bytes(10_000),
    "a password": message("p", b"secret\0"),
}


@pytest.mark.parametrize("asked", [True, False], ids=["asked for", "direct"])
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_in_the_place_of_a_handshake_ends_its_sender(pool: Agroal, garbage: bytes, asked: bool) -> None:
    with unharmed(pool), RawClient(pool) as client:
        if asked:
            assert client.say(SSL_REQUEST).hear_byte() == b"S"
        client.say(garbage)
        heard = b""
        with suppress(OSError):  # who has not been heard out is reset
            if garbage[:1] == b"\x16" or asked:
                client.say_no_more()
            heard = client.hear_byte()
        assert heard in (b"", b"\x15", b"E")  # an alert, an error, or nothing but the end


def test_garbage_within_tls_ends_its_sender(pool: Agroal, database: Database, authority: Authority) -> None:
    """Behind a handshake, and in the midst of a session: a record that nobody who has the key has made."""
    for enters in (False, True):
        with unharmed(pool), EncryptedGuest(pool, database.scram, trusting(authority)) as client:
            if enters:
                client.enter()
            bare = socket.socket(fileno=client.encryption.detach())
            bare.settimeout(10)
            with bare:
                bare.sendall(b"\x17\x03\x03\x00\x40" + b"\xa5" * 64)
                with suppress(ConnectionError):
                    while bare.recv(65_536):
                        pass


@pytest.mark.parametrize("data", [b"Q\0\0\0\3", message("y", b"what?"), bytes(64)], ids=["length", "type", "nulls"])
def test_what_no_client_may_say_is_refused_within_tls_too(
    pool: Agroal, database: Database, authority: Authority, data: bytes
) -> None:
    with unharmed(pool), EncryptedGuest(pool, database.scram, trusting(authority)) as client:
        assert client.enter().say(data).end()["C"] == "08P01"


def test_renegotiation_is_refused(pool: Agroal, database: Database, authority: Authority) -> None:
    """TLS 1.2 only. Python's ssl can't ask for it; OpenSSL's own client can, where there is one."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("there is no openssl program")
    command = [openssl, "s_client", "-connect", f"{pool.host}:{pool.port}", "-starttls", "postgres", "-tls1_2"]
    with unharmed(pool):
        done = subprocess.run(
            [*command, "-CAfile", str(authority.ca_file)], input=b"R\n", capture_output=True, timeout=20, check=False
        )
    said = done.stdout + done.stderr
    assert b"RENEGOTIATING" in said
    assert b"no renegotiation" in said


@pytest.mark.parametrize("go", [Guest.hang_up, Guest.break_off], ids=lambda go: go.__name__)
def test_a_client_that_never_reads_over_tls_takes_no_memory(
    pool: Agroal, database: Database, authority: Authority, go: Callable[[Guest], None]
) -> None:
    client = EncryptedGuest(pool, database.scram, trusting(authority)).enter()
    [pid] = client.query("SELECT pg_backend_pid()")
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'ClientWrite'"
    with bounded(pool.pid):
        client.say(query("SELECT repeat('x', 1000000) FROM generate_series(1, 1000)"))
        wait_until(lambda: database.query(waiting), "PostgreSQL waits for its client to read")
        with pool.connect() as other:
            assert other.execute("SELECT count(*) FROM generate_series(1, 10000)").fetchone() == (10000,)
        go(client)
        wait_until(lambda: pid not in [str(one.pid) for one in database.activity()], "its server is gone")
