"""Servers that speak TLS with agroal: whether it is encrypted, whose certificate is believed, and what is shown."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.certificates import EPOCH, Authority, Identity
from tests.integration.by_hand import TRUSTING, Guest, Refused, query
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal
from tests.integration.encrypted import SSL_REQUEST
from tests.integration.interceptor import Change, Interceptor, Listening, nothing, without_plus
from tests.integration.observe import backend_pid
from tests.integration.postgres import HBA, Database, Login, OwnPostgres
from tests.integration.waiting import wait_until

TYPES = ("host", "hostssl", "hostnossl")
TABLE = """\
tls          server  host   hostssl  hostnossl
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
ROWS = [(row[0], row[1] == "on", *row[2:]) for row in map(str.split, TABLE.splitlines()[1:])]


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    return authority.issue("postgres")


@pytest.fixture(scope="module")
def encrypted(own_postgres: OwnPostgres, identity: Identity, authority: Authority) -> OwnPostgres:
    """It speaks TLS. In `host`, `hostssl` and `hostnossl` are roles that come in by such a line of its HBA only."""
    own_postgres.offer_tls(identity, authority)
    database = own_postgres.database
    lines = [f"host all {own_postgres.superuser.name} all md5", "local all all trust"]
    for type_ in TYPES:
        login = database.role(type_)
        lines += [f"{type_} all {login.name} all scram-sha-256", f"host all {login.name} all reject"]
    lines += [f"hostssl all {database.role('certified').name} all cert"]
    lines += [f"host all {database.role('trusted').name} all trust"]
    own_postgres.set_hba("\n".join(lines) + "\n" + HBA)
    return own_postgres


@pytest.fixture
def postgres_with_tls(encrypted: OwnPostgres) -> Iterator[OwnPostgres]:
    yield encrypted
    encrypted.switch_tls(True)


@pytest.fixture(scope="module")
def database(encrypted: OwnPostgres) -> Database:
    return encrypted.database


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, encrypted: OwnPostgres) -> Agroal:
    """Each test says how its server is reached, and reloads."""
    return module_agroal(encrypted.database, hba=TRUSTING, connection_retry_delay="1ms")


@pytest.fixture(scope="module")
def interceptor(encrypted: OwnPostgres, identity: Identity) -> Iterator[Interceptor]:
    with Interceptor(identity, encrypted) as interceptor:
        yield interceptor


@pytest.fixture
def between(interceptor: Interceptor, authority: Authority) -> Interceptor:
    """It has a good certificate, changes nothing, and has heard nothing."""
    interceptor.identity, interceptor.change = authority.issue("between"), nothing
    interceptor.openings.clear()
    interceptor.first_words.clear()
    return interceptor


@pytest.fixture(scope="module")
def intercepted(module_agroal: Launch, encrypted: OwnPostgres, interceptor: Interceptor) -> Agroal:
    """Its server is not PostgreSQL, but somebody in between."""
    where = {"host": interceptor.host, "port": interceptor.port}
    return module_agroal(encrypted.database, hba=TRUSTING, connection_retry_delay="1ms", server=where)


def reach(pool: Agroal, server: Listening | None = None, **how: object) -> None:
    """Reload with these keys in the server's section; connections of before are closed."""
    where = {"host": server.host, "port": server.port} if server else {}
    pool.configure({**where, **how}, connection_retry_delay="1ms")
    pool.manage("conf", "reload")
    pool.manage("flush", "idle")
    wait_until(lambda: not pool.snapshot().slots, "the old connections are closed")


def by(database: Database, name: str) -> Login:
    return next(login for login in database.logins if login.name.endswith(f"_{name}"))


ENCRYPTION = "SELECT coalesce(version, 'plain') FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def encryption(pool: Agroal, login: Login) -> str:
    """As PostgreSQL sees it."""
    with Guest(pool, login) as client:
        [version] = client.enter().query(ENCRYPTION)
        [slot] = [slot for slot in pool.snapshot().slots if slot.user == login.name]
        assert slot.tls == version.replace("plain", "")
    return version


def refusal(pool: Agroal, login: Login) -> Refused:
    with Guest(pool, login) as client, pytest.raises(Refused) as caught:
        client.enter()
    return caught.value


@pytest.mark.parametrize(("mode", "offers", "host", "hostssl", "hostnossl"), ROWS)
def test_every_mode_meets_every_server(
    pool: Agroal,
    postgres_with_tls: OwnPostgres,
    authority: Authority,
    mode: str,
    offers: bool,
    host: str,
    hostssl: str,
    hostnossl: str,
) -> None:
    if not offers:
        postgres_with_tls.switch_tls(False)
    verifying = mode.startswith("verify")
    reach(pool, tls=mode, **({"tls_ca_file": authority.ca_file} if verifying else {}))
    for type_, end in zip(TYPES, (host, hostssl, hostnossl), strict=True):
        login = by(postgres_with_tls.database, type_)
        if end == "no":
            told = refusal(pool, login)
            assert told.sqlstate in ("28000", "08001")
            assert "does not offer TLS" in str(told) or "pg_hba.conf rejects" in str(told), str(told)
        else:
            assert encryption(pool, login) == {"tls": "TLSv1.3", "plain": "plain"}[end]


def test_encrypted_servers_are_pooled_and_used_again(pool: Agroal, database: Database) -> None:
    reach(pool, tls="require")
    pids = set()
    for _ in range(3):
        with pool.connect() as client:
            pids.add(backend_pid(client))
            assert client.execute(ENCRYPTION).fetchone() == ("TLSv1.3",)
            text = "encrypted" * 200_000
            assert client.execute("SELECT %s::text", (text,)).fetchone() == (text,)
        wait_until(lambda: not any(known.active for known in pool.snapshot().pools), "its server is free")
    assert len(pids) == 1


# Whose certificate is believed


def test_a_certificate_of_another_authority_is_refused(pool: Agroal, database: Database, tmp_path: Path) -> None:
    other = Authority(tmp_path, "Another CA")
    for mode in ("prefer", "require", "verify-ca", "verify-full"):
        reach(pool, tls=mode, tls_ca_file=other.ca_file)
        told = refusal(pool, database.scram)
        assert told.sqlstate == "08001"
        assert "certificate verify failed: " in str(told)


def test_another_name_is_refused_by_verify_full_only(
    intercepted: Agroal, between: Interceptor, database: Database, identity: Identity, authority: Authority
) -> None:
    """The certificate is for localhost and 127.0.0.1."""
    between.identity = identity
    reach(intercepted, between, tls="verify-ca", tls_ca_file=authority.ca_file, channel_binding="disable")
    with Guest(intercepted, database.scram) as client:
        assert client.enter().query("SELECT 6 * 7") == ["42"]
    reach(intercepted, between, tls="verify-full", tls_ca_file=authority.ca_file, channel_binding="disable")
    assert "certificate verify failed: IP address mismatch" in str(refusal(intercepted, database.scram))


def test_an_expired_certificate_is_refused(
    intercepted: Agroal, between: Interceptor, database: Database, authority: Authority
) -> None:
    between.identity = authority.issue("postgres", until=EPOCH + timedelta(days=30))
    reach(intercepted, between, tls="verify-ca", tls_ca_file=authority.ca_file)
    assert "certificate verify failed: certificate has expired" in str(refusal(intercepted, database.scram))


# What is shown to servers


def test_a_certificate_is_shown_to_a_server_that_wants_one(
    pool: Agroal, database: Database, authority: Authority
) -> None:
    login = by(database, "certified")
    mine, another = authority.issue(login.name), authority.issue("somebody")
    reach(pool, tls="require", tls_cert_file=mine.cert_file, tls_key_file=mine.key_file)
    assert encryption(pool, login) == "TLSv1.3"
    reach(pool, tls="require", tls_cert_file=another.cert_file, tls_key_file=another.key_file)
    assert "certificate authentication failed" in str(refusal(pool, login))
    reach(pool, tls="require")
    assert "requires a valid client certificate" in str(refusal(pool, login))


# How TLS begins


@pytest.mark.parametrize(
    ("direct", "opening"), [(True, b"\x16\x03\x01"), (False, SSL_REQUEST)], ids=["direct", "asked for"]
)
def test_s04_direct_tls_begins_without_a_question_and_cancels_go_the_same_way(
    intercepted: Agroal, between: Interceptor, database: Database, direct: bool, opening: bytes
) -> None:
    reach(intercepted, between, tls="require", tls_direct=direct, channel_binding="disable")
    with Guest(intercepted, database.scram) as client:
        client.enter().say(query("SELECT pg_sleep(3600)"))
        wait_until(lambda: any("pg_sleep" in one.query for one in database.activity()), "the query runs")
        client.cancel()
        with pytest.raises(Refused, match="canceling statement due to user request"):
            client.answer()
        openings = list(between.openings)  # before it leaves in the middle of the answer: then agroal cancels once more
    assert [first[: len(opening)] for first in openings] == [opening] * 2
    assert between.first_words[1][:8] == struct.pack("!II", 16, 80877102)


# Channel binding


def test_a_login_is_bound_to_its_channel(pool: Agroal, database: Database) -> None:
    for how in ("disable", "prefer", "require"):
        reach(pool, tls="require", channel_binding=how)
        assert encryption(pool, database.scram) == "TLSv1.3"


def test_what_can_not_be_bound_is_refused_where_binding_is_required(
    pool: Agroal, database: Database, postgres_with_tls: OwnPostgres
) -> None:
    reach(pool, tls="require", channel_binding="require")
    assert "asks for another authentication (code 5)" in str(refusal(pool, database.md5))
    assert "wants no password" in str(refusal(pool, by(database, "trusted")))
    postgres_with_tls.switch_tls(False)
    reach(pool, tls="prefer", channel_binding="require")
    assert "TLS is not in use" in str(refusal(pool, database.scram))


@pytest.mark.parametrize(
    ("change", "how", "words"),
    [
        (nothing, "prefer", "SCRAM channel binding check failed"),
        (nothing, "require", "SCRAM channel binding check failed"),
        (without_plus, "prefer", "SCRAM channel binding negotiation error"),
        (without_plus, "require", "the server does not offer SCRAM-SHA-256-PLUS"),
        (nothing, "disable", ""),
    ],
)
def test_who_is_in_between_can_not_carry_a_bound_login_on(
    intercepted: Agroal, between: Interceptor, database: Database, change: Change, how: str, words: str
) -> None:
    """S15: with a certificate that is as good as the server's own. Where nothing is bound, it sees everything."""
    between.change = change
    reach(intercepted, between, tls="require", channel_binding=how)
    if words:
        assert words in str(refusal(intercepted, database.scram))
        return
    with Guest(intercepted, database.scram) as client:
        assert client.enter().query("SELECT 6 * 7") == ["42"]
