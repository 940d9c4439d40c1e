"""Clients with certificates: who has to show one, whom it stands for, and what happens to those of ours."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest
from cryptography import x509

from tests.certificates import EPOCH, Authority, Identity
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal, Key
from tests.integration.encrypted import EncryptedGuest, offering, shown, trusting
from tests.integration.observe import backend_pid
from tests.integration.postgres import Database
from tests.integration.run import Run
from tests.integration.starting import at_rest, run_agroal
from tests.integration.unharmed import unharmed
from tests.integration.waiting import wait_until

HBA = """\
hostssl by_cert    all all cert
hostssl by_map     all all cert map=staff
hostssl by_nothing all all cert map=not_there
hostssl by_both    all all scram-sha-256 clientcert=verify-full
hostssl trusted    all all trust
hostnossl plain    all all scram-sha-256
"""
DOORS = "by_cert,by_map,by_nothing,by_both,trusted,plain"


@pytest.fixture(scope="module")
def ours(authority: Authority) -> Identity:
    return authority.issue("agroal")


@pytest.fixture(scope="module")
def people(authority: Authority, database: Database) -> Mapping[str, Identity]:
    """Certificates in the names of a role, and of people who are none."""
    return {name: authority.issue(name) for name in (database.scram.name, "ann", "bob", "clerk-7")}


@pytest.fixture(scope="module")
def pool(module_agroal: Launch, database: Database, ours: Identity, authority: Authority) -> Agroal:
    return module_agroal(
        database,
        hba=HBA,
        limits=f"{database.name}={DOORS} all all\n",
        ident=f'staff ann {database.scram.name}\nstaff "/^clerk-[0-9]$" {database.scram.name}\n',
        **offering(ours, authority),
    )


def comes_in(pool: Agroal, database: str, identity: Identity | None, **more: str) -> str:
    """As whom: with this certificate, and with the password of `scram`."""
    how = {"sslmode": "require", **(shown(identity) if identity else {"sslcertmode": "disable"}), **more}
    with pool.connect(database=database, **how) as client:
        [name] = client.execute("SELECT session_user").fetchone() or [""]
    return str(name)


def refusal(pool: Agroal, database: str, identity: Identity | None, **more: str) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        comes_in(pool, database, identity, **more)
    return str(caught.value)


# Whom a certificate stands for


def test_a_certificate_lets_its_holder_in_and_nobody_else(
    pool: Agroal, database: Database, people: Mapping[str, Identity]
) -> None:
    me = database.scram.name
    assert comes_in(pool, "by_cert", people[me], require_auth="none") == me
    told = refusal(pool, "by_cert", people["ann"])
    assert f'certificate authentication failed for user "{me}"' in told


def test_a_map_says_who_may_be_whom(pool: Agroal, database: Database, people: Mapping[str, Identity]) -> None:
    me = database.scram.name
    for name in ("ann", "clerk-7"):
        assert comes_in(pool, "by_map", people[name]) == me
    for name in ("bob", me):
        assert f'certificate authentication failed for user "{me}"' in refusal(pool, "by_map", people[name])


def test_a_map_that_is_not_there_lets_nobody_in(
    pool: Agroal, database: Database, people: Mapping[str, Identity]
) -> None:
    for identity in people.values():
        assert "certificate authentication failed for user" in refusal(pool, "by_nothing", identity)


def test_a_connection_that_lies_ready_is_for_the_right_certificate_only(
    pool: Agroal, database: Database, people: Mapping[str, Identity]
) -> None:
    """As with passwords (CVE-2025-46801)."""
    mine = shown(people[database.scram.name])
    with pool.connect(database="by_cert", sslmode="require", **mine) as client:
        pid = backend_pid(client)
        assert "certificate authentication failed" in refusal(pool, "by_cert", people["bob"])
    wait_until(lambda: not any(known.active for known in pool.snapshot().pools), "the connection lies ready")
    assert "certificate authentication failed" in refusal(pool, "by_cert", people["bob"])
    with pool.connect(database="by_cert", sslmode="require", **mine) as client:
        assert backend_pid(client) == pid


def test_a_password_may_be_wanted_besides(pool: Agroal, database: Database, people: Mapping[str, Identity]) -> None:
    me = database.scram.name
    assert comes_in(pool, "by_both", people[me]) == me
    assert "certificate authentication failed for user" in refusal(pool, "by_both", people["ann"])
    assert "password authentication failed for user" in refusal(pool, "by_both", people[me], password="a-wrong-one")


def test_who_needs_no_tls_needs_no_certificate(pool: Agroal, database: Database) -> None:
    assert comes_in(pool, "plain", None, sslmode="disable") == database.scram.name


# Which certificates count


def test_a_certificate_that_is_not_good_is_refused_and_the_log_says_why(
    pool: Agroal, database: Database, authority: Authority, tmp_path: Path
) -> None:
    me = database.scram.name
    other = Authority(tmp_path, "Another CA")
    cases = {
        None: "peer did not return a certificate",
        authority.issue(me, until=EPOCH + datetime.timedelta(days=30)): "certificate has expired",
        Authority(tmp_path, me).root: "self-signed certificate",
        other.issue(me): "unable to get local issuer certificate",
    }
    for identity, reason in cases.items():
        failures, seen = pool.snapshot().counters.tls_failures, len(pool.log)
        with unharmed(pool, database="plain", sslmode="disable"):
            told = refusal(pool, "trusted", identity)
        assert "alert" in told or "closed" in told, told
        wait_until(lambda reason=reason, seen=seen: reason in pool.log[seen:], f"the log says: {reason}")
        assert pool.snapshot().counters.tls_failures == failures + 1


def test_a_line_that_wants_certificates_that_nobody_could_show_is_refused(
    run: Run, key: Key, database: Database, ours: Identity
) -> None:
    with at_rest(run, key, database, hba="hostssl all all all cert\n", **offering(ours)) as agroal:
        result = run_agroal(agroal, "--check")
    assert result.returncode == 1
    assert "agroal_hba.conf:1" in result.stderr
    assert "tls_ca_file" in result.stderr


# Our own


def test_a_new_certificate_is_shown_from_a_reload_on_and_nobody_is_dropped(
    agroal: Launch, database: Database, authority: Authority, tmp_path: Path
) -> None:
    first, second = authority.issue("agroal"), authority.issue("agroal")
    mine = Identity(first.certificate, first.key, tmp_path / "agroal.crt", tmp_path / "agroal.key")
    install(first, mine)
    pool = agroal(database, hba="hostssl all all all scram-sha-256\n", **offering(mine))
    how = {"sslmode": "verify-full", "sslrootcert": str(authority.ca_file), "channel_binding": "require"}
    with pool.connect(**how) as before:
        pid = backend_pid(before)
        assert serial(pool, authority) == first.certificate.serial_number

        install(second, mine)
        assert serial(pool, authority) == first.certificate.serial_number
        pool.manage("conf", "reload")

        assert serial(pool, authority) == second.certificate.serial_number
        with pool.connect(**how) as after:  # SCRAM is bound to the new one
            assert backend_pid(after) != pid
        assert backend_pid(before) == pid


def install(identity: Identity, files: Identity) -> None:
    shutil.copy2(identity.cert_file, files.cert_file)
    shutil.copy2(identity.key_file, files.key_file)


def serial(pool: Agroal, authority: Authority) -> int:
    """Of the certificate that a new client sees."""
    with EncryptedGuest(pool, pool.database.scram, trusting(authority)) as client:
        certificate = client.encryption.getpeercert(binary_form=True)
    assert certificate
    return x509.load_der_x509_certificate(certificate).serial_number


def test_a_key_that_others_may_read_is_refused_at_the_start(
    run: Run, key: Key, database: Database, authority: Authority
) -> None:
    identity = authority.issue("careless")
    identity.key_file.chmod(0o644)
    with at_rest(run, key, database, **offering(identity)) as agroal:
        result = run_agroal(agroal)
    assert result.returncode == 1
    words = f"tls_key_file: {identity.key_file} has group or world access (mode 0644); expected at most"
    assert words in result.stderr
    assert "BEGIN" not in result.stderr


def test_a_key_that_can_not_be_used_changes_nothing_at_a_reload(
    agroal: Launch, database: Database, authority: Authority
) -> None:
    identity, other = authority.issue("agroal"), authority.issue("other")
    how = {"sslmode": "verify-full", "sslrootcert": str(authority.ca_file)}
    pool = agroal(database, hba="hostssl all all all scram-sha-256\n", **offering(identity))
    with pool.connect(**how) as client:
        identity.key_file.chmod(0o644)
        result = pool.command("conf", "reload")
        assert result.returncode == 1
        assert "has group or world access (mode 0644)" in result.stderr
        pool.connect(**how).close()

        identity.key_file.chmod(0o600)
        shutil.copy2(other.key_file, identity.key_file)
        assert "is not the key of the first certificate" in pool.command("conf", "reload").stderr
        pool.connect(**how).close()

        identity.key_file.unlink()
        assert "No such file" in pool.command("conf", "reload").stderr
        pool.connect(**how).close()
        assert client.execute("SELECT 6 * 7").fetchone() == (42,)
    kinds = [event["kind"] for event in pool.manage("events")["events"]]
    assert kinds.count("reload-failed") == 3
    assert "reloaded" not in kinds
