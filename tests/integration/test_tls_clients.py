"""Clients that speak TLS with agroal: who gets it, in which version, through which drivers."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest

from tests.certificates import Authority, Identity
from tests.integration.by_hand import query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.encrypted import GSSENC_REQUEST, SSL_REQUEST, EncryptedGuest, offering, trusting
from tests.integration.interceptor import Interceptor, nothing, without_plus
from tests.integration.observe import backend_pid
from tests.integration.postgres import Database, Login
from tests.integration.programs import client_program
from tests.integration.raw import RawClient
from tests.integration.unharmed import unharmed
from tests.integration.waiting import wait_until
from tests.unit.wire.messages import startup

TYPES = ("host", "hostssl", "hostnossl")
HBA = "".join(f"{type_} by_{type_} all all scram-sha-256\n" for type_ in TYPES) + "host trusted all all trust\n"

TABLE = """\
sslmode      offers  host   hostssl  hostnossl
disable      off     plain  no       plain
allow        off     plain  no       plain
prefer       off     plain  no       plain
require      off     no     no       no
verify-ca    off     no     no       no
verify-full  off     no     no       no
disable      on      plain  no       plain
allow        on      plain  tls      plain
prefer       on      tls    tls      plain
require      on      tls    tls      no
verify-ca    on      tls    tls      no
verify-full  on      tls    tls      no
"""
CASES = [
    (sslmode, offers == "on", type_, end)
    for sslmode, offers, *ends in map(str.split, TABLE.splitlines()[1:])
    for type_, end in zip(TYPES, ends, strict=True)
]


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    return authority.issue("agroal")


def doors(database: Database) -> str:
    names = [*(f"by_{type_}" for type_ in TYPES), "trusted"]
    return f"{database.name}={','.join(names)} all all\n"


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, identity: Identity) -> Agroal:
    return module_agroal(database, hba=HBA, limits=doors(database), **offering(identity))


@pytest.fixture(scope="module")
def plain(module_agroal: Launch, database: Database) -> Agroal:
    """It offers no TLS."""
    return module_agroal(database, hba=HBA, limits=doors(database))


def version_of(pool: Agroal, name: str) -> str:
    """The TLS of the client that calls itself so, as agroal sees it."""
    [client] = [client for client in pool.snapshot().clients if client.application_name == name]
    return client.tls


@pytest.mark.parametrize(("sslmode", "offers", "type_", "end"), CASES)
def test_every_sslmode_meets_every_kind_of_line(
    pool: Agroal, plain: Agroal, authority: Authority, sslmode: str, offers: bool, type_: str, end: str
) -> None:
    daemon = pool if offers else plain
    how = {"database": f"by_{type_}", "sslmode": sslmode, "sslrootcert": str(authority.ca_file)}
    if end == "no":
        with pytest.raises(psycopg.OperationalError, match=r"no agroal_hba.conf entry|does not support SSL"):
            daemon.connect(**how)
        return
    with daemon.connect(**how, application_name="seen") as client:
        assert client.pgconn.ssl_in_use == (end == "tls")
        assert version_of(daemon, "seen") == ("TLSv1.3" if end == "tls" else "")
        assert client.execute("SELECT 6 * 7").fetchone() == (42,)


def test_what_no_line_lets_in_is_told_whether_it_was_encrypted(pool: Agroal) -> None:
    for sslmode, database, words in (
        ("require", "by_hostnossl", "SSL encryption"),
        ("disable", "by_hostssl", "no encryption"),
    ):
        with pytest.raises(psycopg.OperationalError, match=f'database "{database}", {words}'):
            pool.connect(database=database, sslmode=sslmode)


def test_a_client_that_checks_does_not_come_in_by_another_name_or_authority(
    pool: Agroal, authority: Authority, tmp_path: Path
) -> None:
    wrong = Authority(tmp_path, "Another CA")
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        pool.connect(database="by_host", sslmode="verify-ca", sslrootcert=str(wrong.ca_file))
    elsewhere = {"host": "pool.example", "hostaddr": pool.host}
    for sslmode in ("verify-ca", "verify-full"):
        how = {**elsewhere, "database": "by_host", "sslmode": sslmode, "sslrootcert": str(authority.ca_file)}
        if sslmode == "verify-ca":
            pool.connect(**how).close()
            continue
        with pytest.raises(psycopg.OperationalError, match=r'does not match host name "pool\.example"'):
            pool.connect(**how)


# Versions and ciphers


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_both_versions_of_tls_carry_large_results_both_ways(pool: Agroal, version: str) -> None:
    how = {"ssl_min_protocol_version": version, "ssl_max_protocol_version": version, "sslmode": "require"}
    with pool.connect(database="by_hostssl", application_name="versioned", **how) as client:
        assert version_of(pool, "versioned") == version
        text = "tls" * 1_000_000
        assert client.execute("SELECT %s::text", (text,)).fetchone() == (text,)
        rows = client.execute("SELECT n, repeat('x', 1000) FROM generate_series(1, 5000) n").fetchall()
        assert [n for n, _ in rows] == list(range(1, 5001))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
def test_older_versions_are_refused(pool: Agroal, authority: Authority, version: ssl.TLSVersion) -> None:
    context = trusting(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    failures = pool.snapshot().counters.tls_failures
    with (
        unharmed(pool, database="by_host"),
        pytest.raises(OSError, match=r"alert protocol version|unsupported protocol"),
    ):
        EncryptedGuest(pool, pool.database.scram, context)
    assert pool.snapshot().counters.tls_failures == failures + 1


def test_version_and_ciphers_are_what_the_configuration_says_from_a_reload_on(
    agroal: Launch, database: Database, identity: Identity, authority: Authority
) -> None:
    cipher = "ECDHE-ECDSA-AES256-GCM-SHA384"
    how = {"hba": HBA, "limits": doors(database)}
    pool = agroal(database, **how, **offering(identity), tls_ciphers=cipher)
    old = trusting(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with EncryptedGuest(pool, database.scram, old, database="trusted").enter() as first:
        assert (first.encryption.cipher() or ("",))[0] == cipher
        other = trusting(authority)
        other.maximum_version = ssl.TLSVersion.TLSv1_2
        other.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        with pytest.raises(ssl.SSLError, match="handshake failure"):
            EncryptedGuest(pool, database.scram, other, database="trusted")

        pool.configure(**offering(identity), tls_min_version="TLSv1.3")
        pool.manage("conf", "reload")

        with pytest.raises(ssl.SSLError, match="protocol version"):
            EncryptedGuest(pool, database.scram, old, database="trusted")
        with EncryptedGuest(pool, database.scram, trusting(authority), database="trusted").enter() as second:
            assert second.encryption.version() == "TLSv1.3"
        assert first.query("SELECT 6 * 7") == ["42"]


# Drivers and programs


@pytest.mark.parametrize("direct", [False, True], ids=["asked for", "direct"])
def test_asyncpg_speaks_tls(pool: Agroal, database: Database, authority: Authority, direct: bool) -> None:
    async def ask() -> tuple[str, list[int]]:
        client = await asyncpg.connect(
            host=pool.host,
            port=pool.port,
            user=database.scram.name,
            password=database.scram.password,
            database="by_hostssl",
            ssl=trusting(authority),
            direct_tls=direct,
            timeout=10,
        )
        try:
            version = await client.fetchval("SELECT current_setting('server_version_num')")
            statement = await client.prepare("SELECT n FROM generate_series(1, $1::int) n")
            return version, [row["n"] for row in await statement.fetch(2000)]
        finally:
            await client.close()

    version, rows = asyncio.run(ask())
    assert int(version) >= 100_000
    assert rows == list(range(1, 2001))


def test_psql_speaks_tls(pool: Agroal, database: Database, authority: Authority) -> None:
    where = f"{pool.dsn(database='by_hostssl')}&sslmode=verify-full&sslrootcert={authority.ca_file}"
    command = [client_program("psql"), "-X", "-A", "-t", "-d", where, "-c", r"\conninfo", "-c", "SELECT 6 * 7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "42" in done.stdout.splitlines()
    assert "TLSv1.3" in done.stdout


def test_libpq_binds_the_login_to_the_channel_where_it_insists(pool: Agroal, database: Database) -> None:
    how = {"database": "by_hostssl", "sslmode": "require", "channel_binding": "require"}
    with pool.connect(**how) as client:
        assert client.execute("SELECT session_user").fetchone() == (database.scram.name,)
    with pytest.raises(psycopg.OperationalError, match="channel binding required"):
        pool.connect(**{**how, "database": "by_host", "sslmode": "disable"})


@pytest.mark.parametrize("binding", ["disable", "prefer", "require"])
def test_one_user_with_two_passwords_gets_in_over_tls_with_the_right_one_only(
    pool: Agroal, database: Database, binding: str
) -> None:
    """Also where a connection that the right one opened lies ready (CVE-2025-46801)."""
    how = {"database": "by_hostssl", "sslmode": "require", "channel_binding": binding}
    wrong = Login(database.scram.name, "not-the-password")
    with pool.connect(**how) as client:
        pid = backend_pid(client)
    wait_until(lambda: not any(known.active for known in pool.snapshot().pools), "the connection lies ready")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        pool.connect(wrong, **how)
    with pool.connect(**how) as client:
        assert backend_pid(client) == pid


def test_who_is_in_between_can_not_carry_a_bound_login_on(pool: Agroal, authority: Authority) -> None:
    """S15: with a certificate that is as good as ours. Where the client does not bind, it sees everything."""
    how = {"database": "by_hostssl", "sslmode": "verify-full", "sslrootcert": str(authority.ca_file)}
    cases = [
        (nothing, "prefer", "SCRAM channel binding check failed"),
        (nothing, "require", "SCRAM channel binding check failed"),
        (without_plus, "prefer", "SCRAM channel binding negotiation error"),
        (without_plus, "require", "channel binding is required, but server did not offer"),
    ]
    for change, binding, words in cases:
        between = Interceptor(authority.issue("between"), pool, change)
        with between, pytest.raises(psycopg.OperationalError, match=words):
            pool.connect(**how, **where(between), channel_binding=binding)
    between = Interceptor(authority.issue("between"), pool)
    with between, pool.connect(**how, **where(between), channel_binding="disable") as client:
        assert client.execute("SELECT 6 * 7").fetchone() == (42,)


def where(between: Interceptor) -> dict[str, str | int]:
    """Libpq goes there, and looks for the name of the pool in the certificate."""
    return {"hostaddr": between.host, "port": between.port}


# How TLS begins


def test_s04_direct_tls_names_the_protocol_or_is_refused(
    pool: Agroal, database: Database, authority: Authority
) -> None:
    with EncryptedGuest(pool, database.scram, trusting(authority), direct=True, database="trusted").enter() as client:
        assert client.encryption.selected_alpn_protocol() == "postgresql"
        assert client.query("SELECT 6 * 7") == ["42"]
    for alpn in ("", "h2"):
        with unharmed(pool, database="by_host"):
            failures = pool.snapshot().counters.tls_failures
            assert is_shut_out(pool, trusting(authority, alpn=alpn))
            assert pool.snapshot().counters.tls_failures == failures + 1


def is_shut_out(pool: Agroal, context: ssl.SSLContext) -> bool:
    """Whether a client that begins with this TLS hears nothing but the end."""
    try:
        with EncryptedGuest(pool, pool.database.scram, context, direct=True, database="trusted") as client:
            return client.hear() is None
    except OSError:
        return True


def test_s04_libpq_begins_with_tls(pool: Agroal, authority: Authority) -> None:
    if psycopg.pq.version() < 170000:
        pytest.fail("sslnegotiation=direct needs libpq 17: pip install psycopg[binary]")
    how = {"sslnegotiation": "direct", "sslmode": "verify-full", "sslrootcert": str(authority.ca_file)}
    with pool.connect(database="by_hostssl", **how) as client:
        assert client.execute("SELECT 6 * 7").fetchone() == (42,)


def test_s04_direct_tls_is_refused_in_words_where_there_is_no_tls(plain: Agroal, database: Database) -> None:
    """As by an older PostgreSQL: the first bytes are no startup packet."""
    with RawClient(plain, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(508)) as client:
        assert client.end()["C"] == "08P01"


@pytest.mark.parametrize("first", [[], [GSSENC_REQUEST]], ids=["tls", "gss, tls"])
def test_s01_tls_is_offered_behind_any_other_question(
    pool: Agroal, database: Database, authority: Authority, first: list[bytes]
) -> None:
    with RawClient(pool) as client:
        for request in first:
            assert client.say(request).hear_byte() == b"N"
        assert client.say(SSL_REQUEST).hear_byte() == b"S"
        client.secure(trusting(authority)).say(startup("user", database.scram.name, "database", "trusted"))
        client.hear_until("Z")
        assert ("D", b"\0\1\0\0\0\x017") in client.say(query("SELECT 7")).hear_until("Z")


@pytest.mark.parametrize("request_", [SSL_REQUEST, GSSENC_REQUEST], ids=["tls", "gss"])
def test_s01_nothing_more_can_be_asked_for_within_tls(pool: Agroal, authority: Authority, request_: bytes) -> None:
    with RawClient(pool, SSL_REQUEST) as client:
        client.hear_byte()
        told = client.secure(trusting(authority)).say(request_).end()
    assert told["C"] == "0A000"


def test_s02_what_was_sent_in_the_clear_never_counts_as_encrypted(pool: Agroal, database: Database) -> None:
    """CVE-2021-23214: a whole login and a query are sent behind the request, before the handshake."""
    login = startup("user", database.scram.name, "database", "trusted")
    with (
        unharmed(pool, database="by_host"),
        RawClient(pool, SSL_REQUEST + login + query("CREATE TABLE injected ()")) as client,
    ):
        heard = client.hear_out()
    assert [kind for kind, _ in heard] == ["E"]
    assert database.query("SELECT to_regclass('injected')") == [(None,)]


def test_s02_what_follows_the_handshake_in_one_piece_is_answered(
    pool: Agroal, database: Database, authority: Authority
) -> None:
    with RawClient(pool, SSL_REQUEST) as client:
        client.hear_byte()
        login = startup("user", database.scram.name, "database", "trusted")
        client.secure(trusting(authority)).say(login + query("SELECT 6") + query("SELECT 7"))
        greeting, first, second = (client.hear_until("Z") for _ in range(3))
    assert greeting[0] == ("R", bytes(4))
    assert ("D", b"\0\1\0\0\0\x016") in first
    assert ("D", b"\0\1\0\0\0\x017") in second


def test_s08_a_client_may_send_one_byte_in_each_record(pool: Agroal, database: Database, authority: Authority) -> None:
    with RawClient(pool, SSL_REQUEST) as client:
        client.hear_byte()
        client.secure(trusting(authority))
        for part in (startup("user", database.scram.name, "database", "trusted"), query("SELECT 6 * 7")):
            client.say(*(bytes([byte]) for byte in part))
            heard = client.hear_until("Z")
    assert ("D", b"\0\1\0\0\0\x0242") in heard


def test_s17_who_leaves_tls_with_or_without_a_goodbye_is_no_news(
    pool: Agroal, database: Database, authority: Authority
) -> None:
    seen = len(pool.log)
    with EncryptedGuest(pool, database.scram, trusting(authority), database="trusted").enter():
        pass  # Python closes an SSLSocket without a word
    with EncryptedGuest(pool, database.scram, trusting(authority), database="trusted").enter() as polite:
        polite.encryption.unwrap()
    with RawClient(pool, SSL_REQUEST) as undecided:
        assert undecided.hear_byte() == b"S"
    wait_until(lambda: not pool.snapshot().clients, "they are gone")
    assert not [line for line in pool.log[seen:].splitlines() if " WARN " in line or " ERROR " in line]


def test_the_unix_socket_needs_no_tls(pool: Agroal) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"no agroal_hba\.conf entry"):
        pool.connect(database="by_hostssl", host=str(pool.folder))
    with RawClient(pool, SSL_REQUEST) as client:
        assert client.hear_byte() == b"S"


Cancel = Callable[[psycopg.Connection[Any]], object]


@pytest.mark.parametrize("cancel", [psycopg.Connection.cancel, psycopg.Connection.cancel_safe])
@pytest.mark.parametrize("negotiation", ["postgres", "direct"])
def test_a_cancel_works_beside_tls_and_over_it(
    pool: Agroal, database: Database, cancel: Cancel, negotiation: str
) -> None:
    """`cancel` is sent in the clear (PQcancel), `cancel_safe` is encrypted like its client (PQcancelBlocking)."""
    how = {"database": "by_hostssl", "sslmode": "require", "sslnegotiation": negotiation}
    with pool.connect(**how) as client, ThreadPoolExecutor(1) as beside:
        sleeping = beside.submit(client.execute, "SELECT pg_sleep(3600)")
        wait_until(lambda: any("pg_sleep" in one.query for one in database.activity()), "the query runs")
        cancel(client)
        with pytest.raises(psycopg.errors.QueryCanceled):
            sleeping.result(15)
        assert client.execute("SELECT 6 * 7").fetchone() == (42,)
