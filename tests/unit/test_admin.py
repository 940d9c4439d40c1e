from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agroal import __version__, admin
from agroal.auth.vault import MasterKey, check_passphrase, read_users

MASTER_FILE = "Q29ycmVjdC1Ib3JzZS03\nAAECAwQFBgcICQoLDA0ODw==\n"
"""The same in every test of a process: it is stretched once."""


class Terminal:
    """Whoever sits at the keyboard: answers the prompts in turn."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.prompts: list[str] = []

    def ask(self, prompt: str = "") -> str:
        self.prompts.append(prompt)
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)


@pytest.fixture(autouse=True)
def nobody_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No terminal, no password in the environment, and nobody's home is touched."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AGROAL_MASTER_KEY_FILE", str(tmp_path / "key" / "master.key"))
    monkeypatch.delenv("AGROAL_PASSWORD", raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: pytest.fail(f"asked {prompt!r} without a terminal"))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", terminal.ask)
    monkeypatch.setattr("builtins.input", terminal.ask)
    return terminal


@pytest.fixture
def new_key_file(tmp_path: Path) -> Path:
    """Where the master key will be."""
    return tmp_path / "key" / "master.key"


@pytest.fixture
def key_file(new_key_file: Path) -> Path:
    new_key_file.parent.mkdir(mode=0o700)
    new_key_file.write_text(MASTER_FILE)
    new_key_file.chmod(0o600)
    return new_key_file


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    return tmp_path / "agroal_users.conf"


@pytest.fixture
def run(users_file: Path, key_file: Path) -> Callable[..., int]:
    """agroal-admin on `users_file`, with a master key."""
    assert key_file.exists()
    return lambda *arguments: admin.main(["-f", str(users_file), *arguments])


@pytest.fixture
def secrets(users_file: Path, key_file: Path) -> Callable[[], dict[str, str]]:
    """What the users file holds."""
    return lambda: read_users(users_file, MasterKey.load(key_file))


def usage_error(run: Callable[..., int], *arguments: str) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    assert caught.value.code == 2


class TestMasterKey:
    @pytest.mark.parametrize("source", ["-P", "environment", "prompt"])
    def test_is_made_from_what_its_owner_chose(
        self, source: str, new_key_file: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        match source:
            case "environment":
                monkeypatch.setenv("AGROAL_PASSWORD", "Correct-Horse-7")
            case "prompt":
                terminal.answers = ["Correct-Horse-7", "Correct-Horse-7"]
        assert admin.main(["master-key", *(["-P", "Correct-Horse-7"] if source == "-P" else [])]) == 0
        assert new_key_file.read_text().splitlines()[0] == MASTER_FILE.splitlines()[0]
        assert terminal.prompts == (["Master key: ", "Once more: "] if source == "prompt" else [])

    def test_that_is_generated_is_stored_and_not_shown(
        self, new_key_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[str] = []
        generate = admin._generate
        monkeypatch.setattr(admin, "_generate", lambda length: made.append(generate(length)) or made[0])
        assert admin.main(["-g", "master-key"]) == 0
        output = capsys.readouterr()
        assert str(new_key_file) in output.out
        assert made[0] not in output.out + output.err
        assert len(made[0]) == 64

    def test_that_is_there_is_not_replaced_and_nothing_is_asked(
        self, key_file: Path, terminal: Terminal, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert admin.main(["master-key"]) == 1
        assert terminal.prompts == []
        assert key_file.read_text() == MASTER_FILE
        error = capsys.readouterr().err
        assert str(key_file) in error
        assert "move it away" in error

    def test_that_is_weak_is_refused_with_all_that_it_lacks(
        self, new_key_file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert admin.main(["-P", "weak", "master-key"]) == 1
        assert "at least 8 characters, an upper-case letter, a digit, a special" in capsys.readouterr().err
        assert not new_key_file.exists()

    def test_that_is_missing_is_reported_with_the_command_that_makes_it(
        self, new_key_file: Path, users_file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert admin.main(["-f", str(users_file), "-U", "alice", "-P", "pencil", "user", "add"]) == 1
        error = capsys.readouterr().err
        assert str(new_key_file) in error
        assert "agroal-admin master-key" in error


class TestUsers:
    @pytest.mark.parametrize(
        ("add", "edit", "delete", "list_"),
        [
            (["user", "add"], ["user", "edit"], ["user", "del"], ["user", "ls"]),
            (["add-user"], ["update-user"], ["remove-user"], ["list-users"]),
        ],
        ids=["as in pgagroal 2", "as in pgagroal 0.6"],
    )
    def test_are_added_edited_deleted_and_listed(
        self,
        add: list[str],
        edit: list[str],
        delete: list[str],
        list_: list[str],
        run: Callable[..., int],
        secrets: Callable[[], dict[str, str]],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert run(*add, "-U", "alice", "-P", "pencil") == 0
        assert run("-U", "bob", "-P", "bleistift", *add) == 0
        assert secrets() == {"alice": "pencil", "bob": "bleistift"}
        assert run(*edit, "-U", "alice", "-P", "crayon") == 0
        assert secrets() == {"alice": "crayon", "bob": "bleistift"}
        capsys.readouterr()
        assert run(*list_) == 0
        assert capsys.readouterr().out == "alice\nbob\n"
        assert run(*delete, "-U", "alice") == 0
        assert secrets() == {"bob": "bleistift"}

    def test_both_letters_name_the_file(
        self, run: Callable[..., int], users_file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run("user", "add", "-U", "alice", "-P", "pencil")
        capsys.readouterr()
        for letter in ("-f", "-u", "--file"):
            assert admin.main([letter, str(users_file), "user", "ls"]) == 0
            assert capsys.readouterr().out == "alice\n"

    def test_options_may_stand_anywhere(self, run: Callable[..., int], secrets: Callable[[], dict[str, str]]) -> None:
        assert run("user", "-U", "alice", "add", "-P", "pencil") == 0
        assert secrets() == {"alice": "pencil"}

    def test_one_that_is_there_is_not_added_again(
        self, run: Callable[..., int], secrets: Callable[[], dict[str, str]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        run("user", "add", "-U", "alice", "-P", "pencil")
        assert run("user", "add", "-U", "alice", "-P", "crayon") == 1
        assert "user 'alice' is there already; to change the password use: user edit" in capsys.readouterr().err
        assert secrets() == {"alice": "pencil"}

    @pytest.mark.parametrize("command", ["edit", "del"])
    def test_one_that_is_not_there_is_neither_edited_nor_deleted(
        self,
        command: str,
        run: Callable[..., int],
        secrets: Callable[[], dict[str, str]],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        run("user", "add", "-U", "alice", "-P", "pencil")
        assert run("user", command, "-U", "bob", "-P", "crayon") == 1
        assert "there is no user 'bob'; to add one use: user add" in capsys.readouterr().err
        assert secrets() == {"alice": "pencil"}

    @pytest.mark.parametrize("command", ["edit", "del", "ls"])
    def test_in_a_file_that_is_not_there_can_only_be_added(
        self, command: str, run: Callable[..., int], users_file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("user", command, "-U", "alice", "-P", "pencil") == 1
        assert f"{users_file}: the users file can't be read: No such file" in capsys.readouterr().err
        assert not users_file.exists()

    def test_comments_survive(self, run: Callable[..., int], users_file: Path) -> None:
        users_file.write_text("# who may come in\n")
        run("user", "add", "-U", "alice", "-P", "pencil")
        assert users_file.read_text().startswith("# who may come in\nalice:")

    def test_are_listed_without_a_master_key(
        self, run: Callable[..., int], key_file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run("user", "add", "-U", "alice", "-P", "pencil")
        key_file.unlink()
        capsys.readouterr()
        assert run("user", "ls") == 0
        assert capsys.readouterr().out == "alice\n"

    def test_every_bad_line_of_the_file_is_reported(
        self, run: Callable[..., int], users_file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        users_file.write_text("alice:AAAA\nno entry\n")
        assert run("user", "add", "-U", "bob", "-P", "pencil") == 1
        problems = capsys.readouterr().err.splitlines()
        assert [problem.partition(f"{users_file}:")[2][:2] for problem in problems] == ["1:", "2:"]
        assert all(problem.startswith("agroal-admin: ") for problem in problems)
        assert users_file.read_text() == "alice:AAAA\nno entry\n"

    def test_a_bad_name_is_refused(self, run: Callable[..., int], users_file: Path) -> None:
        assert run("user", "add", "-U", "al\nice", "-P", "pencil") == 1
        assert not users_file.exists()


class TestPasswords:
    def test_come_from_the_environment(
        self, run: Callable[..., int], secrets: Callable[[], dict[str, str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AGROAL_PASSWORD", "pencil")
        assert run("user", "add", "-U", "alice") == 0
        assert run("user", "add", "-U", "bob", "-P", "bleistift") == 0
        assert secrets() == {"alice": "pencil", "bob": "bleistift"}

    @pytest.mark.parametrize("command", ["add", "edit"])
    def test_are_asked_for_twice_at_a_terminal(
        self, command: str, run: Callable[..., int], secrets: Callable[[], dict[str, str]], terminal: Terminal
    ) -> None:
        if command == "edit":
            run("user", "add", "-U", "alice", "-P", "pencil")
        terminal.answers = ["alice", "crayon", "crayon"]
        assert run("user", command) == 0
        assert secrets() == {"alice": "crayon"}
        assert terminal.prompts[0] == "User: "
        assert terminal.prompts[1].lower().endswith("password of alice: ")
        assert terminal.prompts[2] == "Once more: "

    def test_that_differ_change_nothing(
        self, run: Callable[..., int], users_file: Path, terminal: Terminal, capsys: pytest.CaptureFixture[str]
    ) -> None:
        terminal.answers = ["pencil", "pencli"]
        assert run("user", "add", "-U", "alice") == 1
        output = capsys.readouterr()
        assert "the two entries differ" in output.err
        assert "penc" not in output.err + output.out
        assert not users_file.exists()

    def test_that_nobody_gives_change_nothing(
        self, run: Callable[..., int], users_file: Path, terminal: Terminal, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("user", "add", "-U", "alice") == 1
        assert terminal.prompts == ["Password of alice: "]
        assert "interrupted: nothing was changed" in capsys.readouterr().err
        assert not users_file.exists()

    @pytest.mark.parametrize(
        "command", [["user", "add", "-U", "alice"], ["user", "add", "-P", "pencil"], ["user", "del"]]
    )
    def test_and_names_without_a_terminal_to_ask_at_are_a_usage_error(
        self, command: list[str], run: Callable[..., int], users_file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        usage_error(run, *command)
        error = capsys.readouterr().err
        assert "give -P or -g, or set AGROAL_PASSWORD" in error or "Give -U NAME" in error
        assert not users_file.exists()

    def test_that_are_empty_are_refused(self, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
        assert run("user", "add", "-U", "alice", "-P", "") == 1
        assert "the password is empty" in capsys.readouterr().err

    @pytest.mark.parametrize("command", ["add", "edit"])
    def test_that_are_generated_are_shown_once(
        self,
        command: str,
        run: Callable[..., int],
        secrets: Callable[[], dict[str, str]],
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if command == "edit":
            run("user", "add", "-U", "alice", "-P", "pencil")
        capsys.readouterr()
        monkeypatch.setenv("AGROAL_PASSWORD", "not this one")
        assert run("user", command, "-U", "alice", "-g") == 0
        output = capsys.readouterr()
        assert output.out.count(secrets()["alice"]) == 1
        assert output.err == ""
        assert len(secrets()["alice"]) == 64

    def test_that_were_given_are_not_shown(self, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
        run("user", "add", "-U", "alice", "-P", "pencil")
        run("user", "add", "-U", "bob", "-P", "pencil", "-F", "json")
        output = capsys.readouterr()
        assert "pencil" not in output.out + output.err

    @pytest.mark.parametrize("length", [8, 20, 1024])
    def test_are_generated_in_the_length_that_was_asked_for_and_strong(self, length: int) -> None:
        passwords = {admin._generate(length) for _ in range(20)}
        assert len(passwords) == 20
        for password in passwords:
            assert len(password) == length
            assert check_passphrase(password) == []
            assert not password.startswith("-")

    def test_of_the_command_line_are_warned_about_at_a_terminal_only(
        self, run: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("user", "add", "-U", "alice", "-P", "pencil")
        assert capsys.readouterr().err == ""
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        run("user", "add", "-U", "bob", "-P", "pencil")
        assert "use AGROAL_PASSWORD or the prompt" in capsys.readouterr().err


class TestJson:
    def test_tells_what_was_done(
        self,
        run: Callable[..., int],
        users_file: Path,
        secrets: Callable[[], dict[str, str]],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def answer(*arguments: str) -> object:
            assert run("--format", "json", *arguments) == 0
            return json.loads(capsys.readouterr().out)

        base = {"format": 1, "status": "done", "file": str(users_file)}
        assert answer("add-user", "-U", "ünï", "-P", "pencil") == {**base, "command": "user add", "user": "ünï"}
        generated = answer("user", "edit", "-U", "ünï", "-g", "-l", "12")
        assert generated == {**base, "command": "user edit", "user": "ünï", "password": secrets()["ünï"]}
        assert answer("user", "ls") == {**base, "command": "user ls", "users": ["ünï"]}
        assert answer("user", "del", "-U", "ünï") == {**base, "command": "user del", "user": "ünï"}
        assert answer("user", "ls") == {**base, "command": "user ls", "users": []}

    def test_tells_why_it_was_not_done(self, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
        assert run("-F", "json", "remove-user", "-U", "alice") == 1
        output = capsys.readouterr()
        answer = json.loads(output.out)
        assert (answer["format"], answer["command"], answer["status"]) == (1, "user del", "failed")
        assert "the users file can't be read" in answer["error"]
        assert output.err == ""

    def test_tells_where_the_master_key_is(self, new_key_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert admin.main(["-g", "-F", "json", "master-key"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer == {"format": 1, "command": "master-key", "status": "done", "file": str(new_key_file)}


class TestCommandLine:
    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["user"],
            ["user", "rename"],
            ["user", "add", "alice"],
            ["master-key", "--unknown"],
            ["user", "ls", "-F", "xml"],
            ["user", "add", "-U", "alice", "-g", "-P", "pencil"],
            ["user", "add", "-U", "alice", "-g", "-l", "7"],
            ["user", "add", "-U", "alice", "-g", "-l", "1025"],
            ["user", "add", "-U", "alice", "-g", "-l", "many"],
        ],
    )
    def test_that_is_wrong_has_exit_status_2(
        self, arguments: list[str], run: Callable[..., int], users_file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        usage_error(run, *arguments)
        assert "usage: agroal-admin" in capsys.readouterr().err
        assert not users_file.exists()

    @pytest.mark.parametrize("option", ["-?", "--help"])
    def test_help_names_every_spelling(self, option: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            admin.main([option])
        assert caught.value.code == 0
        text = " ".join(capsys.readouterr().out.split())
        assert all(spelling in text for spelling in admin.COMMANDS)

    @pytest.mark.parametrize("option", ["-V", "--version"])
    def test_version_is_that_of_the_package(self, option: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as caught:
            admin.main([option])
        assert caught.value.code == 0
        assert capsys.readouterr().out == f"agroal-admin {__version__}\n"

    def test_the_module_is_a_program(self, users_file: Path) -> None:
        command = [sys.executable, "-m", "agroal.admin", "-f", str(users_file), "user", "ls"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ), timeout=60)
        assert done.returncode == 1
        assert done.stderr.startswith(f"agroal-admin: {users_file}: ")


class TestImport:
    @pytest.fixture
    def ini(self, tmp_path: Path) -> Path:
        path = tmp_path / "pgbouncer.ini"
        path.write_text("[databases]\nshop = host=h\n[pgbouncer]\nlisten_addr = *\n")
        return path

    def test_writes_the_files_and_tells_what_became_of_everything(
        self, run: Callable[..., int], ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("import", str(ini), "-o", str(tmp_path / "out")) == 0
        output = capsys.readouterr().out
        assert "listen_addr = * → host" in output
        assert f"wrote {tmp_path / 'out' / 'agroal.conf'}" in output
        assert (tmp_path / "out" / "import-report.md").exists()

    def test_tells_programs_in_one_object(
        self, run: Callable[..., int], ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("-F", "json", "-n", "--from", "pgbouncer", "-o", str(tmp_path / "out"), "import", str(ini)) == 0
        document = json.loads(capsys.readouterr().out)
        assert (document["command"], document["status"], document["from"]) == ("import", "done", "pgbouncer")
        assert document["files"] == ["agroal.conf", "agroal_hba.conf", "agroal_databases.conf"]
        assert {"outcome", "place", "what", "became", "says"} == document["findings"][0].keys()
        assert not (tmp_path / "out").exists(), "it was a dry run"

    def test_overwrites_nothing_without_force(
        self, run: Callable[..., int], ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = str(tmp_path / "out")
        assert run("import", str(ini), "-o", out) == 0
        assert run("import", str(ini), "-o", out) == 1
        assert "--force overwrites" in capsys.readouterr().err
        assert run("import", str(ini), "-o", out, "--force") == 0

    def test_of_what_is_none_says_so(
        self, run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "odd.conf").write_text("hello\n")
        assert run("import", str(tmp_path / "odd.conf")) == 1
        assert "has neither [pgbouncer] nor [pgagroal]" in capsys.readouterr().err

    @pytest.mark.parametrize("words", [["import"], ["import", "a", "b"], ["user", "ls", "extra"]])
    def test_takes_one_file(self, run: Callable[..., int], words: list[str]) -> None:
        usage_error(run, *words)
