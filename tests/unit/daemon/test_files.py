from __future__ import annotations

import os
from pathlib import Path

import pytest

from agroal.admin import main as agroal_admin
from agroal.auth.md5 import md5_secret
from agroal.auth.vault import MasterKey, write_users
from agroal.daemon.files import Secrets, read
from agroal.errors import ConfigurationError, VaultError
from tests.unit.test_admin import MASTER_FILE


class Folder:
    """The files of a daemon, and the environment it runs in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = {"AGROAL_MASTER_KEY_FILE": str(path / "master.key")}
        self.write("master.key", MASTER_FILE).chmod(0o600)
        path.chmod(0o700)
        self.write(
            "agroal.conf", f"[agroal]\nhost = *\nport = 2345\nunix_socket_dir = {path}\n[pg]\nhost = localhost\n"
        )
        self.write("agroal_hba.conf", "host all all all scram-sha-256\n")

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.write_text(text)
        return file

    def vault(self, secrets: dict[str, str], name: str = "agroal_users.conf") -> Path:
        users = self.path / name
        write_users(users, MasterKey.load(self.path / "master.key"), secrets, os.urandom)
        return users

    def users(self) -> dict[str, str]:
        return dict(read({}, self.path, self.environment)[1].users)

    def say(self, line: str) -> None:
        """In the main section."""
        main = self.path / "agroal.conf"
        main.write_text(main.read_text().replace("[pg]", f"{line}\n[pg]"))

    def problem(self) -> str:
        with pytest.raises(ConfigurationError) as refusal:
            self.users()
        (problem,) = refusal.value.problems
        return str(problem)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_files_are_read_anew_each_time(folder: Folder) -> None:
    folder.vault({"ann": "pencil"})
    configuration, secrets = read({}, folder.path, folder.environment)
    assert (configuration.settings.port, secrets) == (2345, Secrets({"ann": "pencil"}))
    main = folder.path / "agroal.conf"
    main.write_text(main.read_text().replace("2345", "2346"))
    folder.vault({"bob": "crayon"})
    configuration, secrets = read({}, folder.path, folder.environment)
    assert (configuration.settings.port, secrets) == (2346, Secrets({"bob": "crayon"}))


def test_a_flag_names_a_file_elsewhere(folder: Folder) -> None:
    other = folder.write("other.conf", (folder.path / "agroal.conf").read_text().replace("2345", "2347"))
    configuration, _ = read({"main": other}, folder.path, folder.environment)
    assert configuration.settings.port == 2347


def test_without_a_users_file_there_are_none(folder: Folder) -> None:
    assert folder.users() == {}


def test_an_empty_vault_needs_no_master_key(folder: Folder) -> None:
    folder.write("agroal_users.conf", "# nobody yet\n").chmod(0o600)
    (folder.path / "master.key").unlink()
    assert folder.users() == {}


def test_a_vault_needs_it(folder: Folder) -> None:
    folder.vault({"ann": "pencil"})
    (folder.path / "master.key").unlink()
    with pytest.raises(VaultError, match=r"master\.key"):
        folder.users()


def test_a_file_with_a_mistake_is_refused_before_the_vault_is_opened(folder: Folder) -> None:
    folder.write("agroal_users.conf", "no vault").chmod(0o600)
    folder.write("agroal_hba.conf", "nonsense\n")
    assert "agroal_hba.conf:1" in folder.problem()


def test_connections_can_not_be_opened_ahead_for_a_user_whom_nobody_knows(folder: Folder) -> None:
    users = folder.vault({"ann": "pencil"})
    folder.write("agroal_databases.conf", "shop ann 5 2 1\nshop bob 5 2 1\nshop eve 5\n")
    assert folder.problem() == (
        f'{folder.path}/agroal_databases.conf:2: INITIAL_SIZE: user "bob" is not in {users}, '
        "so nobody can log in for it"
    )
    folder.vault({"ann": "pencil", "bob": "crayon"})
    assert set(folder.users()) == {"ann", "bob"}


def test_each_file_of_users_has_its_own_part(folder: Folder) -> None:
    folder.vault({"ann": "pencil", "bob": "crayon"})
    folder.vault({"ann": "chalk"}, "agroal_frontend_users.conf")
    folder.vault({"root": "slate"}, "agroal_superuser.conf")
    folder.vault({"ops": "flint"}, "agroal_admins.conf")
    _, secrets = read({}, folder.path, folder.environment)
    assert secrets == Secrets({"ann": "pencil", "bob": "crayon"}, {"ann": "chalk"}, {"root": "slate"}, {"ops": "flint"})
    assert repr(secrets) == "Secrets()"


def test_a_frontend_user_must_be_in_the_vault(folder: Folder) -> None:
    folder.vault({"ann": "pencil"})
    frontend = folder.vault({"ann": "chalk", "eve": "slate"}, "agroal_frontend_users.conf")
    assert folder.problem() == (
        f'{frontend}: user "eve" is not in the users file: agroal could not log in to PostgreSQL for it'
    )


def test_there_is_one_superuser(folder: Folder) -> None:
    file = folder.vault({"root": "slate", "postgres": "chalk"}, "agroal_superuser.conf")
    assert folder.problem() == f"{file}: has 2 users; expected one"


def test_auth_query_needs_one(folder: Folder) -> None:
    folder.say("auth_query = on")
    main = folder.path / "agroal.conf"
    assert folder.problem() == f"{main}: auth_query: needs a superuser file (-S) with one user"
    folder.vault({"root": "slate"}, "agroal_superuser.conf")
    assert folder.users() == {}


def test_agroal_admin_adds_admins(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in folder.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AGROAL_PASSWORD", "flint")
    assert agroal_admin(["-f", str(folder.path / "agroal_admins.conf"), "-U", "ops", "user", "add"]) == 0
    assert read({}, folder.path, folder.environment)[1].admins == {"ops": "flint"}


def test_who_may_only_look_must_be_an_admin(folder: Folder) -> None:
    folder.say("monitors = eye, ops")
    folder.vault({"ops": "flint"}, "agroal_admins.conf")
    assert folder.problem() == f'{folder.path}/agroal.conf: monitors: user "eye" is not in the admins file (-A)'
    folder.vault({"ops": "flint", "eye": "clay"}, "agroal_admins.conf")
    assert folder.users() == {}


def test_an_admin_can_not_log_in_with_an_md5_hash(folder: Folder) -> None:
    file = folder.vault({"ops": md5_secret("flint", "ops")}, "agroal_admins.conf")
    assert folder.problem() == f'{file}: user "ops" has an md5 hash; expected a password or a SCRAM verifier'


def test_all_that_does_not_go_together_is_told_at_once(folder: Folder) -> None:
    folder.say("auth_query = on")
    folder.vault({"ann": "chalk"}, "agroal_frontend_users.conf")
    with pytest.raises(ConfigurationError) as refusal:
        folder.users()
    assert len(refusal.value.problems) == 2
