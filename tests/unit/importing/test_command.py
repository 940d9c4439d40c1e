from __future__ import annotations

import os
from pathlib import Path

import pytest

from agroal.errors import ConfigurationError
from agroal.importing.command import Origin, Wish, detect, run, summary
from agroal.importing.findings import Outcome
from tests.unit.importing.bringing import Bringer

INI = """\
[databases]
shop = host=h
[pgbouncer]
listen_addr = *
auth_file = users.txt
admin_users = ann
auth_user = ann
"""


@pytest.fixture
def ini(bring: Bringer) -> Path:
    bring.write("users.txt", '"ann" "pencil-and-paper"\n')
    return bring.write("pgbouncer.ini", INI)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("[databases]\n", Origin.PGBOUNCER),
        ("; [pgagroal]\n  [pgbouncer]\n", Origin.PGBOUNCER),
        ("[pgagroal]\n[databases]\n", Origin.PGAGROAL),
    ],
)
def test_a_file_shows_whose_it_is(tmp_path: Path, text: str, origin: Origin) -> None:
    file = tmp_path / "some.conf"
    file.write_text(text)
    assert detect(file) is origin


@pytest.mark.parametrize(
    ("text", "why"), [("[agroal]\n", "agroal's own file already"), ("hello\n", "neither .pgbouncer. nor .pgagroal.")]
)
def test_a_file_that_does_not_show_it_is_refused(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "some.conf"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=why):
        detect(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        detect(tmp_path / "missing.ini")


def test_nothing_is_overwritten_unless_that_is_wanted(bring: Bringer, ini: Path) -> None:
    bring.run(ini)
    before = (bring.folder / "out" / "agroal.conf").read_text()
    ini.write_text(INI.replace("*", "localhost"))
    with pytest.raises(FileExistsError, match="--force overwrites"):
        bring.run(ini)
    assert (bring.folder / "out" / "agroal.conf").read_text() == before
    assert bring.run(ini, force=True).configuration.settings.host == "localhost"


def test_what_another_import_left_is_gone_with_force(bring: Bringer, ini: Path) -> None:
    bring.run(ini)
    ini.write_text("[databases]\nshop = host=h\n[pgbouncer]\n")
    again = bring.run(ini, force=True)
    assert again.secrets.users == {}
    assert not (again.directory / "agroal_users.conf").exists()


def test_a_dry_run_shows_everything_but_secrets_and_writes_nothing(bring: Bringer, ini: Path) -> None:
    wish = Wish(ini, bring.folder / "out", dry_run=True)
    imported = run(wish, bring.environment, os.urandom)
    assert not wish.directory.exists()
    text = summary(imported, wish)
    assert "--- agroal.conf" in text
    assert "host = *" in text
    assert "--- agroal_users.conf: encrypted" in text
    assert "Nothing was written." in text
    assert "pencil-and-paper" not in text


def test_without_a_master_key_the_rest_is_written_and_it_is_said_how_to_go_on(bring: Bringer, ini: Path) -> None:
    bring.key.unlink()
    brought = bring.run(ini)
    assert not (brought.directory / "agroal_users.conf").exists()
    (finding,) = brought.human("not written")
    assert "agroal-admin master-key" in finding.says
    assert "--force" in finding.says
    assert "auth_query = on" in finding.says
    assert not brought.configuration.settings.auth_query, "it needs somebody who asks"


def test_what_agroal_has_against_the_files_is_in_the_report(bring: Bringer, ini: Path) -> None:
    ini.write_text(INI + "unix_socket_dir = /no/such/directory\n")
    brought = bring.run(ini)
    assert brought.human("agroal --check", "unix_socket_dir", "expected an existing directory")
    assert "expected an existing directory" in brought.text("import-report.md")


def test_the_report_lies_beside_the_files(bring: Bringer, ini: Path) -> None:
    report = bring.run(ini).text("import-report.md")
    assert f"## {str(Outcome.HUMAN).capitalize()}" in report
    assert "| listen\\_addr = \\* |" in report or "listen_addr = \\*" in report
    assert "- `agroal_users.conf`" in report
    assert "pencil-and-paper" not in report


def test_the_origin_can_be_said(bring: Bringer) -> None:
    file = bring.write("odd.ini", "[users]\n")
    with pytest.raises(ConfigurationError, match="names no database"):
        bring.run(file, origin=Origin.PGBOUNCER)
    with pytest.raises(ConfigurationError, match="has no section"):
        bring.run(file, origin=Origin.PGAGROAL)
