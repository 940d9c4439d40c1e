from __future__ import annotations

import errno
import os
import stat
from base64 import b64decode, b64encode
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agroal.auth.vault import (
    MasterKey,
    check_passphrase,
    list_users,
    master_key_path,
    read_users,
    write_users,
)
from agroal.errors import VaultError

# Not made by our own code: the key comes from `openssl kdf`, the entries from AES-GCM put together by hand.
MASTER_FILE = "Q29ycmVjdC1Ib3JzZS03\nAAECAwQFBgcICQoLDA0ODw==\n"
PASSPHRASE = "Correct-Horse-7"
MASTER = MasterKey(
    bytes.fromhex(
        "c9e4a00bfbecb64d230ac3bed7a324a97dd711d19941b01bae33e81d3a20f220"
        "210804fbbb09ade10c1fd07f6839ad7ec5d08e3f7eed3b6b0aba590d9b0ad11d"
    )
)
ENTRY = "ZGVmZ2hpamtsbW5vcHFyc+c+2apFFXTxBKoAbEEBijJ7Q15TXn3PnRFZ6nJ0YyI7pR0wk8/KSw=="
ENTRY_SALT = bytes(range(100, 116))
NOT_UTF_8 = "ZGVmZ2hpamtsbW5vcHFyc+c+2apFFXTxBKoAbM7BDWE8hiX0JfdUKzKi+zMO"
EMPTY = "ZGVmZ2hpamtsbW5vcHFyc+c+2apFFXTxBKoAbH/rQbVxlSxcSMTb8HZ9gao="
WITH_NEWLINE = "ZGVmZ2hpamtsbW5vcHFyc+c+2apFFXTxBKoAbFDITD0HmDj03xrLQn8pUvmhtPo="


class Tokens:
    """Bytes that are no more random than they need be: never the same twice."""

    def __init__(self) -> None:
        self._numbers = count()

    def __call__(self, length: int) -> bytes:
        return next(self._numbers).to_bytes(length, "big")


@pytest.fixture
def token() -> Tokens:
    return Tokens()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / ".agroal"
    home.mkdir(mode=0o700)
    return home


@pytest.fixture
def master_file(home: Path) -> Path:
    file = home / "master.key"
    file.write_text(MASTER_FILE)
    file.chmod(0o600)
    return file


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    return tmp_path / "agroal_users.conf"


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def full_disk(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


class TestPassphrase:
    @pytest.mark.parametrize("passphrase", [PASSPHRASE, "aB3-efgh", "Päß wort 1!", "ÄÖÜ-äöü-123"])
    def test_of_all_kinds_of_characters_will_do(self, passphrase: str) -> None:
        assert check_passphrase(passphrase) == []

    @pytest.mark.parametrize(
        ("passphrase", "missing"),
        [
            ("aB3-efg", ["at least 8 characters"]),
            ("ab3-efgh", ["an upper-case letter"]),
            ("AB3-EFGH", ["a lower-case letter"]),
            ("aBc-efgh", ["a digit"]),
            ("aB3 efgh", ["a special character"]),
            ("aB3-efg\n", ["no control characters"]),
            ("aB3-efg\udcff", ["no control characters"]),
            ("abc", ["at least 8 characters", "an upper-case letter", "a digit", "a special character"]),
            (
                "",
                [
                    "at least 8 characters",
                    "an upper-case letter",
                    "a lower-case letter",
                    "a digit",
                    "a special character",
                ],
            ),
        ],
    )
    def test_says_all_that_it_lacks_at_once(self, passphrase: str, missing: list[str]) -> None:
        assert check_passphrase(passphrase) == missing


class TestMasterKeyPath:
    def test_is_in_the_home_directory(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        assert master_key_path({}) == tmp_path / ".agroal" / "master.key"
        assert master_key_path({"AGROAL_MASTER_KEY_FILE": ""}) == tmp_path / ".agroal" / "master.key"

    def test_is_what_the_environment_says(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        pgagroal = {"AGROAL_MASTER_KEY_FILE": "~/.pgagroal/master.key"}
        assert master_key_path(pgagroal) == tmp_path / ".pgagroal" / "master.key"


class TestCreatingAMasterKey:
    def test_writes_passphrase_and_salt_in_a_private_place(self, home: Path, token: Tokens) -> None:
        home.rmdir()
        file = home / "master.key"
        MasterKey.create(file, PASSPHRASE, token)
        passphrase, salt = file.read_text().splitlines()
        assert b64decode(passphrase) == PASSPHRASE.encode()
        assert b64decode(salt) == bytes(16)
        assert (mode(home), mode(file)) == (0o700, 0o600)
        assert list(home.iterdir()) == [file]

    def test_gives_the_key_that_loading_gives(self, home: Path, token: Tokens) -> None:
        assert MasterKey.create(home / "master.key", PASSPHRASE, token) == MasterKey.load(home / "master.key")

    @pytest.mark.usefixtures("open_umask")
    def test_is_private_whatever_the_umask(self, tmp_path: Path, token: Tokens) -> None:
        file = tmp_path / "new" / "master.key"
        MasterKey.create(file, PASSPHRASE, token)
        assert (mode(file.parent), mode(file)) == (0o700, 0o600)

    def test_never_replaces_one(self, master_file: Path, token: Tokens) -> None:
        with pytest.raises(VaultError, match=r"is there already.*move it away") as caught:
            MasterKey.create(master_file, PASSPHRASE, token)
        assert str(master_file) in str(caught.value)
        assert master_file.read_text() == MASTER_FILE
        assert list(master_file.parent.iterdir()) == [master_file]

    def test_refuses_a_weak_passphrase_and_says_all_that_is_missing(self, home: Path, token: Tokens) -> None:
        with pytest.raises(VaultError, match="8 characters, an upper-case letter, a digit, a special") as caught:
            MasterKey.create(home / "master.key", "abc", token)
        assert "abc" not in str(caught.value)
        assert list(home.iterdir()) == []

    def test_refuses_a_directory_that_others_can_look_into(self, home: Path, token: Tokens) -> None:
        home.chmod(0o750)
        with pytest.raises(VaultError, match=f"mode 0750; run: chmod 700 {home}"):
            MasterKey.create(home / "master.key", PASSPHRASE, token)

    def test_says_why_it_could_not_be_written(self, home: Path, token: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "fsync", full_disk)
        with pytest.raises(VaultError, match=r"master\.key: the master key can't be written: No space left on device"):
            MasterKey.create(home / "master.key", PASSPHRASE, token)
        assert list(home.iterdir()) == []

    def test_says_why_its_directory_could_not_be_made(self, tmp_path: Path, token: Tokens) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(VaultError, match="file: the directory can't be made: File exists"):
            MasterKey.create(tmp_path / "file" / "master.key", PASSPHRASE, token)


class TestLoadingAMasterKey:
    def test_stretches_the_passphrase_as_pgagroal_does(self, master_file: Path) -> None:
        assert MasterKey.load(master_file) == MASTER

    def test_does_not_need_the_last_newline(self, master_file: Path) -> None:
        master_file.write_text(MASTER_FILE.rstrip())
        assert MasterKey.load(master_file) == MASTER

    def test_takes_one_that_only_its_owner_may_read(self, master_file: Path) -> None:
        master_file.chmod(0o400)
        assert MasterKey.load(master_file) == MASTER

    def test_refuses_a_file_that_others_may_use(self, master_file: Path) -> None:
        master_file.chmod(0o640)
        with pytest.raises(VaultError, match=f"has mode 0640; run: chmod 600 {master_file}"):
            MasterKey.load(master_file)

    def test_refuses_a_directory_that_others_may_use(self, master_file: Path) -> None:
        master_file.parent.chmod(0o711)
        with pytest.raises(VaultError, match=f"has mode 0711; run: chmod 700 {master_file.parent}"):
            MasterKey.load(master_file)

    def test_says_how_to_make_one_where_there_is_none(self, home: Path) -> None:
        with pytest.raises(VaultError, match="there is no master key; make one with: agroal-admin master-key"):
            MasterKey.load(home / "master.key")

    def test_says_why_it_could_not_be_read(self, home: Path) -> None:
        (home / "master.key").mkdir(mode=0o700)
        with pytest.raises(VaultError, match="the master key can't be read: "):
            MasterKey.load(home / "master.key")

    def test_knows_the_master_keys_of_old_pgagroals(self, master_file: Path) -> None:
        master_file.write_text("Q29ycmVjdC1Ib3JzZS03")
        with pytest.raises(VaultError, match=r"master.key:2: the salt is missing, .*pgagroal 2\.0"):
            MasterKey.load(master_file)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"Q29ycmVjdC1Ib3JzZS03\nAAECAwQFBgcICQoLDA0ODw==\nAAAA\n",
            b"not base64!\nAAECAwQFBgcICQoLDA0ODw==\n",
            b"Q29ycmVjdC1Ib3JzZS03\nAAECAwQFBgcICQoLDA0O\n",
            b"Q29ycmVjdC1Ib3JzZS03\n\xff\xfe\n",
            b"====\nAAECAwQFBgcICQoLDA0ODw==\n",
        ],
    )
    def test_refuses_what_is_not_a_master_key(self, master_file: Path, content: bytes) -> None:
        master_file.write_bytes(content)
        with pytest.raises(VaultError, match="not a master key") as caught:
            MasterKey.load(master_file)
        assert "Q29y" not in str(caught.value)

    def test_shows_nothing_of_itself(self) -> None:
        assert str(MASTER) == repr(MASTER) == "MasterKey()"


class TestEntries:
    def test_are_read_as_pgagroal_writes_them(self) -> None:
        assert MASTER.decrypt(ENTRY) == "pässword 1"

    def test_are_written_as_pgagroal_reads_them(self) -> None:
        assert MASTER.encrypt("pässword 1", lambda length: ENTRY_SALT[:length]) == ENTRY

    @given(st.text())
    def test_come_back_as_they_went_in(self, secret: str) -> None:
        assert MASTER.decrypt(MASTER.encrypt(secret, os.urandom)) == secret

    def test_of_the_same_secret_differ(self, token: Tokens) -> None:
        assert MASTER.encrypt("pencil", token) != MASTER.encrypt("pencil", token)

    @pytest.mark.parametrize("changed", range(0, 54, 6))
    def test_with_a_changed_byte_are_refused(self, changed: int) -> None:
        blob = bytearray(b64decode(ENTRY))
        blob[changed] ^= 1
        with pytest.raises(ValueError, match="another master key, or damaged"):
            MASTER.decrypt(b64encode(blob).decode())


class TestReadingUsers:
    def test_gives_their_secrets_in_the_order_of_the_file(self, users_file: Path) -> None:
        users_file.write_text(f"zoe:{ENTRY}\nalice:{ENTRY}\n")
        assert list(read_users(users_file, MASTER).items()) == [("zoe", "pässword 1"), ("alice", "pässword 1")]
        assert list_users(users_file) == ["zoe", "alice"]

    def test_passes_over_comments_and_blank_lines(self, users_file: Path) -> None:
        users_file.write_text(f"# who may come in\n\n  # indented\n \t\nalice:{ENTRY}  \r\n")
        assert read_users(users_file, MASTER) == {"alice": "pässword 1"}

    def test_of_an_empty_file_are_none(self, users_file: Path) -> None:
        users_file.touch()
        assert read_users(users_file, MASTER) == {}

    @pytest.mark.parametrize("name", ["a:b", "with blank", "ünï", "x" * 127, "all"])
    def test_names_may_be_what_postgresql_allows(self, users_file: Path, name: str) -> None:
        users_file.write_text(f"{name}:{ENTRY}\n")
        assert list(read_users(users_file, MASTER)) == [name]

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("alice", "name:base64 expected"),
            (f":{ENTRY}", "name:base64 expected"),
            (ENTRY, "name:base64 expected"),
            ("alice:", "too short"),
            ("alice:not base64", "name:base64 expected"),
            (f"alice:{ENTRY[:-1]}", "name:base64 expected"),
            ("alice:ünï", "name:base64 expected"),
            ("alice:AAAA", "too short"),
            (f"alice:{ENTRY[:-8]}", "can't be decrypted: made with another master key, or damaged?"),
            (f"alice:{NOT_UTF_8}", "not UTF-8"),
            (f"alice:{EMPTY}", "the password is empty"),
            (f"alice:{WITH_NEWLINE}", "control characters"),
            (f" alice:{ENTRY}", "begin or end with a blank"),
            (f"alice :{ENTRY}", "begin or end with a blank"),
            (f"al\x1bice:{ENTRY}", "control characters"),
            (f"{'x' * 128}:{ENTRY}", "at most 127 bytes"),
            (f"{'ü' * 64}:{ENTRY}", "at most 127 bytes"),
        ],
    )
    def test_a_bad_line_is_refused_with_its_place(self, users_file: Path, line: str, why: str) -> None:
        users_file.write_text(f"# comment\nzoe:{ENTRY}\n{line}\n")
        with pytest.raises(VaultError) as caught:
            read_users(users_file, MASTER)
        assert str(caught.value).startswith(f"{users_file}:3: ")
        assert why in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1

    def test_all_bad_lines_are_reported_at_once_in_their_order(self, users_file: Path) -> None:
        users_file.write_text(f"alice:AAAA\nbob:{ENTRY}\nno entry\nbob:{ENTRY}\nzoe:{EMPTY}\n")
        with pytest.raises(VaultError) as caught:
            read_users(users_file, MASTER)
        places = [problem.removeprefix(f"{users_file}:")[:2] for problem in str(caught.value).splitlines()]
        assert places == ["1:", "3:", "4:", "5:"]
        assert "user 'bob' is in line 2 already" in str(caught.value)

    def test_another_master_key_is_named_as_the_likely_cause(self, users_file: Path) -> None:
        users_file.write_text(f"alice:{ENTRY}\n")
        with pytest.raises(VaultError, match=r"conf:1: can't be decrypted: made with another master key"):
            read_users(users_file, MasterKey(bytes(64)))

    def test_names_alone_need_no_master_key_but_well_formed_lines(self, users_file: Path) -> None:
        users_file.write_text("alice:whatever\nno entry\n")
        with pytest.raises(VaultError, match=r"conf:2: "):
            list_users(users_file)

    def test_a_file_that_is_not_there_is_reported(self, users_file: Path) -> None:
        with pytest.raises(VaultError, match="the users file can't be read: No such file or directory"):
            read_users(users_file, MASTER)

    def test_a_file_that_is_not_utf_8_is_reported(self, users_file: Path) -> None:
        users_file.write_bytes(b"alice\xff:AAAA\n")
        with pytest.raises(VaultError, match=r"the users file is not UTF-8 \(byte 5\)"):
            read_users(users_file, MASTER)

    @given(st.binary())
    def test_no_content_makes_it_fail_in_another_way(
        self, tmp_path_factory: pytest.TempPathFactory, content: bytes
    ) -> None:
        file = tmp_path_factory.getbasetemp() / "any_users.conf"
        file.write_bytes(content)
        try:
            users = read_users(file, MASTER)
        except VaultError:
            return
        assert users == {}  # nobody but the owner of the master key can make an entry


class TestWritingUsers:
    def test_makes_a_private_file(self, users_file: Path, token: Tokens) -> None:
        write_users(users_file, MASTER, {"alice": "pencil", "bob": "pässword"}, token)
        assert read_users(users_file, MASTER) == {"alice": "pencil", "bob": "pässword"}
        assert mode(users_file) == 0o600
        assert "pencil" not in users_file.read_text()

    def test_makes_a_file_private_that_was_not(self, users_file: Path, token: Tokens) -> None:
        users_file.touch(0o644)
        write_users(users_file, MASTER, {"alice": "pencil"}, token)
        assert mode(users_file) == 0o600

    def test_keeps_comments_and_order(self, users_file: Path, token: Tokens) -> None:
        users_file.write_text(f"# head\n\nzoe:{ENTRY}\n# of bob\nbob:{ENTRY}\nalice:{ENTRY}\n# end")
        write_users(users_file, MASTER, {"alice": "a", "zoe": "z", "new": "n"}, token)
        shape = [line.partition(":")[0] for line in users_file.read_text().splitlines()]
        assert shape == ["# head", "", "zoe", "# of bob", "alice", "# end", "new"]
        assert read_users(users_file, MASTER) == {"zoe": "z", "alice": "a", "new": "n"}

    def test_no_users_leave_an_empty_file(self, users_file: Path, token: Tokens) -> None:
        write_users(users_file, MASTER, {"alice": "pencil"}, token)
        write_users(users_file, MASTER, {}, token)
        assert users_file.read_bytes() == b""

    @pytest.mark.parametrize(
        ("name", "secret", "why"),
        [
            ("", "pencil", "must not be empty"),
            (" alice", "pencil", "begin or end with a blank"),
            ("#alice", "pencil", "begin with #"),
            ("al\nice", "pencil", "control characters"),
            ("al\udcffice", "pencil", "UTF-8"),
            ("x" * 128, "pencil", "at most 127 bytes"),
            ("alice", "", "the password is empty"),
            ("alice", "pen\x00cil", "control characters"),
            ("alice", "pen\x7fcil", "control characters"),
            ("alice", "pencil\udcff", "UTF-8"),
            ("alice", "x" * 8193, "at most 8192 bytes"),
            ("alice", "ü" * 4097, "at most 8192 bytes"),
        ],
    )
    def test_refuses_a_user_that_could_not_be_read_back(
        self, users_file: Path, token: Tokens, name: str, secret: str, why: str
    ) -> None:
        users_file.write_text("# as it was\n")
        with pytest.raises(VaultError, match=why) as caught:
            write_users(users_file, MASTER, {"bob": "fine", name: secret}, token)
        assert "pen" not in str(caught.value)
        assert users_file.read_text() == "# as it was\n"

    def test_a_secret_may_be_as_long_as_a_cloud_token(self, users_file: Path, token: Tokens) -> None:
        write_users(users_file, MASTER, {"alice": "x" * 8192}, token)
        assert read_users(users_file, MASTER) == {"alice": "x" * 8192}

    def test_leaves_a_file_alone_that_it_does_not_understand(self, users_file: Path, token: Tokens) -> None:
        users_file.write_text("precious\n")
        with pytest.raises(VaultError, match=r"conf:1: "):
            write_users(users_file, MASTER, {"alice": "pencil"}, token)
        assert users_file.read_text() == "precious\n"

    def test_a_full_disk_loses_nothing(self, users_file: Path, token: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
        write_users(users_file, MASTER, {"alice": "pencil"}, token)
        monkeypatch.setattr(os, "fsync", full_disk)
        with pytest.raises(VaultError, match="the users file can't be written: No space left on device"):
            write_users(users_file, MASTER, {"bob": "other"}, token)
        assert read_users(users_file, MASTER) == {"alice": "pencil"}

    def test_a_missing_directory_is_reported(self, tmp_path: Path, token: Tokens) -> None:
        with pytest.raises(VaultError, match="can't be written: No such file or directory"):
            write_users(tmp_path / "none" / "users.conf", MASTER, {"alice": "pencil"}, token)
