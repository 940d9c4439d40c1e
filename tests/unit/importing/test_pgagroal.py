from __future__ import annotations

import os
from pathlib import Path

import pytest

from agroal.auth.vault import MasterKey, write_users
from agroal.config.model import Pipeline
from agroal.errors import VaultError
from agroal.importing.findings import Outcome
from tests.unit.importing.bringing import Bringer, Brought

MAIN = """\
[pgagroal]
host = localhost
port = 2345
unix_socket_dir = $HOME
max_connections = 20
idle_timeout = 10m
hugepage = try
pipeline = 'performance'
log_type = console

[health_check]
log_level = debug5

[primary]
host = localhost
port = 5432
tls = on
"""
OLD_KEY = "T2xkLWFuZC11Z2x5LTE=\nAAECAwQFBgcICQoLDA0ODw==\n"


def bring_in(bring: Bringer, main: str = MAIN, hba: str = "host all all 10.0.0.0/8 all\n", limits: str = "") -> Brought:
    bring.write("pgagroal_hba.conf", hba)
    if limits:
        bring.write("pgagroal_databases.conf", limits)
    return bring.run(bring.write("pgagroal.conf", main))


def old_key(folder: Path) -> Path:
    path = folder / "old" / "master.key"
    path.parent.mkdir(mode=0o700)
    path.write_text(OLD_KEY)
    path.chmod(0o600)
    return path


def test_the_main_file_is_rewritten_with_comments(bring: Bringer) -> None:
    brought = bring_in(bring)
    settings = brought.configuration.settings
    assert (settings.port, settings.max_connections, settings.idle_timeout) == (2345, 20, 600)
    assert (settings.pipeline, settings.log_level) == (Pipeline.PERFORMANCE, "trace")
    assert brought.configuration.primary.tls == "require"
    text = brought.text("agroal.conf")
    assert "[agroal]" in text
    assert "unix_socket_dir = $HOME" in text
    assert "# Close a server connection that nobody used for this long; 0 is never.\nidle_timeout = 10m" in text


def test_what_means_nothing_here_is_left_out_and_told(bring: Bringer) -> None:
    brought = bring_in(bring)
    assert "hugepage" not in brought.text("agroal.conf")
    (finding,) = brought.said("hugepage = try")
    assert finding.outcome is Outcome.NEEDLESS


def test_what_has_another_meaning_here_is_told(bring: Bringer) -> None:
    (finding,) = bring_in(bring).said("idle_timeout = 10m")
    assert finding.outcome is Outcome.CHANGED
    assert "transaction pipeline" in finding.says


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("max_conections = 5", "did you mean max_connections"),
        ("backlog = many", "expected a whole number"),
        ("port = 2346", "is given twice"),
    ],
)
def test_what_is_no_good_is_left_out_and_told(bring: Bringer, line: str, why: str) -> None:
    brought = bring_in(bring, MAIN.replace("hugepage = try", line))
    assert brought.human(why, "left out")
    assert brought.configuration.settings.port == 2345


def test_the_lines_of_the_hba_file_are_taken_over(bring: Bringer) -> None:
    brought = bring_in(bring, hba="host all all 10.0.0.0/8 all\nhostssl shop ann ::0/0 scram-sha-256 # x\n")
    assert brought.hba == ["host all all 10.0.0.0/8 all", "hostssl shop ann ::/0 scram-sha-256"]
    assert brought.said("10.0.0.0/8", "rounds an IPv4 mask")


def test_behind_a_line_that_is_not_understood_nobody_comes_in(bring: Bringer) -> None:
    brought = bring_in(bring, hba="host a b all trust\nhost c +d all reject\nhost all all all trust\n")
    assert brought.hba == ["host a b all trust"]
    assert brought.human("host c +d all reject")


def test_limits_are_taken_over_and_bad_ones_told(bring: Bringer) -> None:
    limits = "shop=store ann 5 3 1\nblog all 4\nall all\nlog all 99\n"
    brought = bring_in(bring, limits=limits)
    assert brought.limits == ["shop=store ann 5 3 1", "blog all 4"]
    assert brought.human("all all", "expected DATABASE")
    assert brought.human("log all 99", "add up to")


def test_the_vault_is_encrypted_anew(bring: Bringer) -> None:
    key = old_key(bring.folder)
    for name, users in (
        ("users", {"ann": "pencil"}),
        ("frontend_users", {"ann": "chalk"}),
        ("admins", {"adm": "x-ray"}),
    ):
        write_users(bring.folder / f"pgagroal_{name}.conf", MasterKey.load(key), users, os.urandom)
    bring.write("pgagroal_hba.conf", "host all all all all\n")
    brought = bring.run(bring.write("pgagroal.conf", MAIN), source_key=key)
    secrets = brought.secrets
    assert (secrets.users, secrets.frontend, secrets.admins) == ({"ann": "pencil"}, {"ann": "chalk"}, {"adm": "x-ray"})


def test_pgagroals_own_place_is_looked_at_for_its_master_key(bring: Bringer) -> None:
    key = old_key(bring.folder)
    write_users(bring.folder / "pgagroal_users.conf", MasterKey.load(key), {"ann": "pencil"}, os.urandom)
    key.parent.rename(bring.folder / ".pgagroal")
    assert bring_in(bring).secrets.users == {"ann": "pencil"}


def test_without_its_master_key_the_users_are_told(bring: Bringer) -> None:
    key = old_key(bring.folder)
    write_users(bring.folder / "pgagroal_users.conf", MasterKey.load(key), {"ann": "pencil"}, os.urandom)
    bring.key.unlink()
    brought = bring_in(bring)
    assert brought.human("ann", "--source-key")
    assert not (brought.directory / "agroal_users.conf").exists()


def test_a_vault_of_another_key_is_told(bring: Bringer) -> None:
    key = old_key(bring.folder)
    write_users(bring.folder / "pgagroal_users.conf", MasterKey.load(key), {"ann": "pencil"}, os.urandom)
    assert bring_in(bring).human("made with another master key", "Add its users again")


def test_a_master_key_that_is_named_has_to_be_there(bring: Bringer) -> None:
    with pytest.raises(VaultError, match="there is no master key"):
        bring.run(bring.write("pgagroal.conf", MAIN), source_key=bring.folder / "missing.key")
