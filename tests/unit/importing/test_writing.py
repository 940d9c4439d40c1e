from __future__ import annotations

import os
from pathlib import Path

import pytest

from agroal.auth.vault import MasterKey, read_users
from agroal.errors import VaultError
from agroal.importing import writing
from agroal.importing.draft import Draft, Line, Server
from tests.unit.importing.bringing import Bringer


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    made = Draft(hba=[Line("local  all  all  md5", "from here")])
    for key, value in {"host": "localhost", "port": "2345", "unix_socket_dir": str(tmp_path)}.items():
        made.put(key, value, "of old")
    server = Server("primary")
    server.put("host", "localhost")
    made.servers.append(server)
    return made


def test_the_files_say_what_they_are_and_where_each_line_is_from(draft: Draft) -> None:
    files = writing.texts(draft, Path("old\n.ini"))
    assert list(files) == ["agroal.conf", "agroal_hba.conf", "agroal_databases.conf"]
    assert files["agroal.conf"].splitlines()[:5] == [
        "# agroal: settings and servers.",
        "# Imported from old·.ini.",
        "",
        "[agroal]",
        "# of old",
    ]
    assert files["agroal.conf"].count("# of old") == 1, "said once for lines of one origin"
    assert "# from here\nlocal  all  all  md5\n" in files["agroal_hba.conf"]


def test_the_files_of_users_are_private_and_encrypted(draft: Draft, tmp_path: Path, bring: Bringer) -> None:
    draft.users["ann"] = "pencil-and-paper"
    master = MasterKey.load(bring.key)
    writing.write(draft, tmp_path / "out", Path("old.ini"), master, os.urandom)
    path = tmp_path / "out" / "agroal_users.conf"
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_users(path, master) == {"ann": "pencil-and-paper"}
    assert writing.check(draft, tmp_path / "out", bring.environment) == []


def test_without_a_master_key_users_are_not_written(draft: Draft, tmp_path: Path) -> None:
    draft.users["ann"] = "pencil"
    with pytest.raises(VaultError, match="no master key"):
        writing.write(draft, tmp_path / "out", Path("old.ini"), None, os.urandom)


def test_what_needs_users_is_left_out_with_them(draft: Draft) -> None:
    draft.users["ann"] = draft.admins["ann"] = draft.superuser["ann"] = "pencil"
    draft.put("auth_query", "on")
    draft.put("monitors", "ann")
    assert writing.without_vaults(draft) == ["auth_query = on", "monitors = ann"]
    assert not draft.vaults
    assert "monitors" not in draft.settings


def test_every_file_that_is_there_is_named(draft: Draft, tmp_path: Path) -> None:
    writing.refuse_to_overwrite([draft], tmp_path)
    (tmp_path / "agroal_ident.conf").touch()
    (tmp_path / "import-report.md").symlink_to("nowhere")
    with pytest.raises(FileExistsError) as caught:
        writing.refuse_to_overwrite([draft], tmp_path)
    assert "agroal_ident.conf" in str(caught.value)
    assert "import-report.md" in str(caught.value)


def test_what_would_not_load_is_said(draft: Draft, tmp_path: Path) -> None:
    draft.servers.clear()
    writing.write(draft, tmp_path / "out", Path("old.ini"), None, os.urandom)
    (problem,) = writing.check(draft, tmp_path / "out", {})
    assert "has no server" in problem
