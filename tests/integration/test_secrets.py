"""What agroal knows and nobody may learn from it: passwords, verifiers, keys. Wherever it says or leaves something."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.certificates import Authority, Identity
from tests.integration.conftest import Launch
from tests.integration.daemon import Agroal, Key
from tests.integration.doors import HBA, METHODS, door, limits
from tests.integration.encrypted import SSL_REQUEST, offering, trusting
from tests.integration.postgres import Database, Login
from tests.integration.raw import RawClient
from tests.integration.starting import run_agroal
from tests.integration.waiting import wait_until

WRONG = "a-wrong-password"


@dataclass(frozen=True)
class Known:
    """What agroal knows of us."""

    words: frozenset[str]

    def found_in(self, text: str) -> list[str]:
        return [word for word in self.words if word in text]


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    return authority.issue("agroal")


@pytest.fixture(scope="module")
def verified(database: Database) -> tuple[Login, str]:
    """A role of which the vault has a verifier."""
    login = database.role("verified")
    [(verifier,)] = database.query("SELECT rolpassword FROM pg_authid WHERE rolname = %s", login.name)
    return login, str(verifier)


@pytest.fixture(scope="module")
def known(database: Database, key: Key, identity: Identity, verified: tuple[Login, str]) -> Known:
    salt_and_keys = verified[1].split("$", 1)[1]
    lines = identity.key_file.read_text().splitlines()[1:-1]
    master = key.path.read_text().strip()
    logins = {login.password for login in database.logins}
    return Known(frozenset({*logins, *lines, master, "Not-so-secret-1", WRONG, verified[1], salt_and_keys}))


@pytest.fixture(scope="module")
def pool(
    module_agroal: Launch,
    database: Database,
    authority: Authority,
    identity: Identity,
    verified: tuple[Login, str],
    known: Known,
) -> Iterator[Agroal]:
    """It says all that it can."""
    users = {login.name: login.password for login in database.logins} | {verified[0].name: verified[1]}
    pool = module_agroal(
        database,
        hba=HBA,
        limits=limits(database),
        users=users,
        log_level="trace",
        log_connections=True,
        log_disconnections=True,
        tracker=True,
        **offering(identity),
    )
    use(pool, database, verified[0], authority)
    yield pool
    assert known.found_in(pool.log) == []


def use(pool: Agroal, database: Database, verified: Login, authority: Authority) -> None:
    """Whoever can come in does, over TLS and without; whoever can't is refused; and files with mistakes are read."""
    for method in METHODS:
        for login in (database.scram, database.md5):
            for sslmode in ("disable", "require"):
                pool.connect(login, database=door(method), sslmode=sslmode).close()
            if method != "trust":
                with pytest.raises(psycopg.OperationalError):
                    pool.connect(Login(login.name, WRONG), database=door(method))
    pool.connect(verified, database=door("scram-sha-256")).close()
    assert pool.command("conf", "set", "tls_key_file", "/no/such/file").returncode == 1
    with RawClient(pool, SSL_REQUEST) as client:  # what was meant for another message
        client.hear_byte()
        client.secure(trusting(authority)).say(database.scram.password.encode() * 10).end()


SAID = ["status", "status details", "snapshot", "events", "log tail", "conf ls", "conf get", "conf alias", "hello"]


@pytest.mark.parametrize("how", ["text", "json"])
@pytest.mark.parametrize("verb", SAID)
def test_no_verb_tells_a_secret(pool: Agroal, known: Known, verb: str, how: str) -> None:
    result = pool.command("--format", how, *verb.split())
    assert result.returncode == 0, result.stderr
    assert len(result.stdout) > 20
    assert known.found_in(result.stdout + result.stderr) == []


def test_the_check_of_the_configuration_tells_no_secret(pool: Agroal, known: Known, identity: Identity) -> None:
    check = run_agroal(pool, "--check")
    assert str(identity.key_file) in check.stdout, "where the key is may be known"
    assert known.found_in(check.stdout + check.stderr) == []


def test_a_vault_that_is_broken_is_reported_without_what_is_in_it(
    agroal: Launch, database: Database, known: Known
) -> None:
    pool = agroal(database)
    path = pool.folder / "agroal_users.conf"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0][:-4], f"plain:{database.scram.password}", *lines[1:]]))
    result = pool.command("conf", "reload")
    assert result.returncode == 1
    assert known.found_in(result.stdout + result.stderr + pool.log) == []
    path.write_text("\n".join(lines))


def test_the_process_shows_no_secret(pool: Agroal, known: Known) -> None:
    """To whoever may look at it from outside: its arguments, its title, its environment, the names of its files."""
    process = Path(f"/proc/{pool.pid}")
    shown = [(process / name).read_text(errors="replace") for name in ("cmdline", "comm", "environ", "maps")]
    shown += [os.readlink(link) for link in (process / "fd").iterdir() if link.is_symlink()]
    assert known.found_in("\n".join(shown)) == []


def test_it_leaves_no_core_file(pool: Agroal) -> None:
    """In which every password would be."""
    limits = Path(f"/proc/{pool.pid}/limits").read_text().splitlines()
    [core] = [line.split() for line in limits if line.startswith("Max core file size")]
    assert core[4] == "0"


def test_what_it_writes_is_nobody_elses_to_read(
    agroal: Launch, database: Database, known: Known, tmp_path: Path
) -> None:
    """The socket for clients is for everybody; who may use it, says the hba file."""
    log = tmp_path / "agroal.log"
    pool = agroal(database, log_type="file", log_path=log, log_level="trace")
    pool.connect().close()
    wait_until(log.exists, "the log is written")
    files = [log, *(path for path in pool.folder.iterdir() if path.suffix != ".conf" and path.name != "out")]
    for_others = {path.name for path in files if stat.S_IMODE(path.stat().st_mode) & 0o007}
    assert for_others == {f".s.PGSQL.{pool.port}"}
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE((pool.folder / "agroal_users.conf").stat().st_mode) == 0o600
    assert known.found_in(log.read_text()) == []
