from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from agroal.auth.private import check_private, write_private
from agroal.errors import VaultError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


class TestChecking:
    @pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
    def test_a_file_of_its_owner_alone_is_fine(self, file: Path, mode: int) -> None:
        file.touch()
        file.chmod(mode)
        check_private(file)

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o777])
    def test_a_right_of_anybody_else_is_refused_with_the_remedy(self, file: Path, mode: int) -> None:
        file.touch()
        file.chmod(mode)
        with pytest.raises(VaultError, match=f"has mode {mode:04o}; run: chmod 600 {file}"):
            check_private(file)

    @pytest.mark.parametrize("mode", [0o755, 0o710, 0o701])
    def test_of_a_directory_too(self, file: Path, mode: int) -> None:
        file.mkdir()
        file.chmod(mode)
        with pytest.raises(VaultError, match=f"has mode {mode:04o}; run: chmod 700 {file}"):
            check_private(file)

    def test_the_remedy_can_be_pasted(self, tmp_path: Path) -> None:
        file = tmp_path / "my secrets"
        file.touch(0o644)
        with pytest.raises(VaultError) as caught:
            check_private(file)
        assert str(caught.value).endswith(f"chmod 600 '{file}'")

    def test_a_link_is_judged_by_what_it_points_to(self, file: Path, tmp_path: Path) -> None:
        file.touch(0o600)
        link = tmp_path / "link"
        link.symlink_to(file)
        check_private(link)


class TestWriting:
    @pytest.mark.parametrize("replace", [True, False])
    def test_a_new_file_is_there_whole_and_private(self, file: Path, replace: bool) -> None:
        write_private(file, b"content", os.urandom, replace=replace)
        assert file.read_bytes() == b"content"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert list(file.parent.iterdir()) == [file]

    def test_a_file_is_replaced_and_becomes_private(self, file: Path) -> None:
        file.touch(0o644)
        write_private(file, b"content", os.urandom, replace=True)
        assert file.read_bytes() == b"content"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_a_file_is_not_replaced_unasked(self, file: Path) -> None:
        file.write_bytes(b"before")
        with pytest.raises(FileExistsError):
            write_private(file, b"content", os.urandom, replace=False)
        assert file.read_bytes() == b"before"
        assert list(file.parent.iterdir()) == [file]

    @pytest.mark.usefixtures("open_umask")
    def test_it_is_private_before_it_holds_anything_and_durable_before_it_has_its_name(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        events: list[object] = []
        fsync, replace, open_ = os.fsync, os.replace, os.open

        def watched_open(path: Path, flags: int, mode: int = 0o777) -> int:
            descriptor = open_(path, flags, mode)
            if flags & os.O_CREAT:
                events.append(("created", stat.S_IMODE(os.fstat(descriptor).st_mode)))
            return descriptor

        def watched_fsync(descriptor: int) -> None:
            found = os.fstat(descriptor)
            events.append(("directory" if stat.S_ISDIR(found.st_mode) else "file", "synced"))
            fsync(descriptor)

        def watched_replace(source: Path, target: Path) -> None:
            events.append(("file", "named"))
            replace(source, target)

        monkeypatch.setattr(os, "open", watched_open)
        monkeypatch.setattr(os, "fsync", watched_fsync)
        monkeypatch.setattr(os, "replace", watched_replace)
        write_private(file, b"content", os.urandom, replace=True)
        assert events == [("created", 0o600), ("file", "synced"), ("file", "named"), ("directory", "synced")]

    def test_a_full_disk_loses_nothing(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        file.write_bytes(b"before")
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_private(file, b"content", os.urandom, replace=True)
        assert file.read_bytes() == b"before"
        assert list(file.parent.iterdir()) == [file]

    def test_a_link_stays_a_link(self, file: Path) -> None:
        link = file.with_name("link")
        link.symlink_to(file)
        write_private(link, b"content", os.urandom, replace=True)
        assert link.is_symlink()
        assert file.read_bytes() == b"content"

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
    def test_root_leaves_a_file_to_its_owner(self, file: Path) -> None:
        file.touch()
        os.chown(file, 12345, 54321)
        write_private(file, b"content", os.urandom, replace=True)
        assert (file.stat().st_uid, file.stat().st_gid) == (12345, 54321)
