from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from errno import ENOSPC
from io import RawIOBase
from pathlib import Path
from typing import Any

import pytest

from agroal.config.model import LogMode, Settings
from agroal.daemon.logfile import RETRY, LogFile

START = 1_800_000_000.0
"""2027-01-15 08:00:00 UTC."""
SETTINGS = Settings(host="*", port=2345, unix_socket_dir=Path("/tmp"))


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agroal.log"


@contextmanager
def opened(path: Path, clock: Clock, *, keep: bool = False, **given: Any) -> Iterator[LogFile]:
    file = LogFile(replace(SETTINGS, log_path=path, **given), keep=keep, clock=clock)
    try:
        yield file
    finally:
        file.close()


@contextmanager
def a_pipe(path: Path) -> Iterator[int]:
    """A named pipe, open for reading."""
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write(file: LogFile, *lines: str) -> None:
    for line in lines:
        file.handle(logging.makeLogRecord({"msg": line}))


def contents(directory: Path) -> dict[str, str]:
    """By name, in the order of the names, without the ends of lines."""
    return {path.name: path.read_text().replace("\n", " ").strip() for path in sorted(directory.iterdir())}


class NearlyFull:
    """Takes so many bytes, in small pieces."""

    def __init__(self, stream: RawIOBase, room: int) -> None:
        self._stream = stream
        self._room = room

    def write(self, data: bytes) -> int | None:
        if not self._room:
            raise OSError(ENOSPC, "No space left on device")
        piece = data[: min(4, self._room)]
        self._room -= len(piece)
        return self._stream.write(piece)


class TestSize:
    def test_no_file_becomes_larger_and_no_line_is_lost(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        with opened(path, clock, log_rotation_size=8) as file:
            write(file, "111", "222", "333", "444", "555")
        assert contents(tmp_path) == {
            "agroal.log": "555",
            "agroal.log.20270115T080000.000000Z": "111 222",
            "agroal.log.20270115T080000.000001Z": "333 444",
        }

    def test_a_line_that_is_longer_has_a_file_of_its_own(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        with opened(path, clock, log_rotation_size=4) as file:
            write(file, "a long line", "x")
        assert list(contents(tmp_path).values()) == ["x", "a long line"]

    def test_bytes_count_and_those_that_were_there_count_too(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        path.write_text("ää\n")
        with opened(path, clock, log_rotation_size=8) as file:
            write(file, "xy", "z")
        assert list(contents(tmp_path).values()) == ["z", "ää xy"]

    def test_the_names_sort_as_time_passes(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        with opened(path, clock, log_rotation_size=1) as file:
            for minute in range(12):
                clock.now = START + 60 * minute
                write(file, str(minute))
        assert list(contents(tmp_path).values()) == ["11", *map(str, range(11))]

    def test_0_is_never(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        with opened(path, clock) as file:
            write(file, "1")
            clock.now += 1e9
            write(file, "2")
        assert contents(tmp_path) == {"agroal.log": "1 2"}


class TestAge:
    def test_a_file_that_is_too_old_is_put_aside_by_the_next_line(
        self, tmp_path: Path, path: Path, clock: Clock
    ) -> None:
        with opened(path, clock, log_rotation_age=60.0) as file:
            write(file, "old")
            clock.now += 59.9
            write(file, "old too")
            clock.now += 0.1
            assert list(contents(tmp_path)) == ["agroal.log"]
            write(file, "new")
            clock.now += 59.9
            write(file, "new too")
        assert list(contents(tmp_path).values()) == ["new new too", "old old too"]

    def test_a_file_without_a_line_is_young(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        with opened(path, clock, log_rotation_age=60.0) as file:
            clock.now += 3600
            write(file, "first")
        assert contents(tmp_path) == {"agroal.log": "first"}

    def test_a_file_that_was_there_is_as_old_as_its_last_line(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        path.write_text("of last week\n")
        os.utime(path, (START, START - 7 * 86400))
        with opened(path, clock, log_rotation_age=86400.0) as file:
            write(file, "of today")
        assert list(contents(tmp_path).values()) == ["of today", "of last week"]


class TestPattern:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "%Y%m%d.log"

    @staticmethod
    def name(moment: float) -> str:
        return time.strftime("%Y%m%d.log", time.localtime(moment))

    def test_a_new_file_has_the_name_of_its_time(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        with opened(path, clock, log_rotation_age=86400.0) as file:
            write(file, "today")
            clock.now += 86400
            write(file, "tomorrow")
        assert contents(tmp_path) == {self.name(START): "today", self.name(START + 86400): "tomorrow"}

    def test_only_age_and_size_begin_a_new_file(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        with opened(path, clock) as file:
            write(file, "today")
            clock.now += 86400
            write(file, "tomorrow")
        assert contents(tmp_path) == {self.name(START): "today tomorrow"}

    @pytest.mark.parametrize(("mode", "kept"), [(LogMode.APPEND, "there new"), (LogMode.CREATE, "new")])
    def test_one_that_is_there_is_gone_on_with_or_begun_anew(
        self, tmp_path: Path, path: Path, clock: Clock, mode: LogMode, kept: str
    ) -> None:
        later = tmp_path / self.name(START + 86400)
        later.write_text("there\n")
        with opened(path, clock, log_rotation_age=60.0, log_mode=mode) as file:
            write(file, "old")
            clock.now += 86400
            write(file, "new")
        assert contents(tmp_path) == {self.name(START): "old", later.name: kept}

    def test_another_name_of_the_current_file_does_not_empty_it(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        with opened(path, clock, log_rotation_age=60.0, log_mode=LogMode.CREATE) as file:
            write(file, "old")
            (tmp_path / self.name(START + 86400)).symlink_to(tmp_path / self.name(START))
            clock.now += 86400
            write(file, "new")
        aside = f"{self.name(START)}.20270116T080000.000000Z"
        assert contents(tmp_path) == {
            self.name(START): "new",
            aside: "old",
            self.name(START + 86400): "new",
        }


class TestOthers:
    def test_a_file_that_somebody_moved_away_is_left_alone(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        with opened(path, clock, log_rotation_size=1) as file:
            write(file, "old")
            path.rename(tmp_path / "mine")
            write(file, "new")
        assert contents(tmp_path) == {"agroal.log": "new", "mine": "old"}

    def test_a_file_that_somebody_put_in_its_place_is_gone_on_with(
        self, tmp_path: Path, path: Path, clock: Clock
    ) -> None:
        with opened(path, clock, log_rotation_size=1, log_mode=LogMode.CREATE) as file:
            write(file, "old")
            path.rename(tmp_path / "mine")
            path.write_text("theirs\n")
            write(file, "new")
        assert contents(tmp_path) == {"agroal.log": "theirs new", "mine": "old"}

    def test_what_is_no_regular_file_is_never_renamed(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        with a_pipe(path) as pipe, opened(path, clock, log_rotation_size=1, log_rotation_age=1.0) as file:
            write(file, "1", "2")
            clock.now += 60
            write(file, "3")
            assert os.read(pipe, 100) == b"1\n2\n3\n"
        assert list(tmp_path.iterdir()) == [path]


class TestReopen:
    def test_the_next_line_is_in_the_file_of_that_name(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        with opened(path, clock) as file:
            write(file, "1")
            path.rename(tmp_path / "agroal.log.1")
            write(file, "2")
            file.reopen()
            write(file, "3")
        assert contents(tmp_path) == {"agroal.log": "3", "agroal.log.1": "1 2"}

    def test_a_file_that_is_still_there_is_not_emptied(self, tmp_path: Path, path: Path, clock: Clock) -> None:
        with opened(path, clock, log_mode=LogMode.CREATE) as file:
            write(file, "1")
            file.reopen()
            write(file, "2")
        assert contents(tmp_path) == {"agroal.log": "1 2"}


class TestFailures:
    def test_a_file_that_can_not_be_reopened_goes_on(
        self, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        directory, moved = tmp_path / "a", tmp_path / "b"
        directory.mkdir()
        with opened(directory / "log", clock) as file:
            directory.rename(moved)
            file.reopen()
            write(file, "on")
        assert contents(moved) == {"log": "on"}
        assert "can't open the log again, the file that was open goes on: [Errno 2]" in caplog.text

    def test_where_no_new_file_can_be_begun_the_old_one_goes_on_and_a_minute_later_it_is_tried_again(
        self, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        directory, moved = tmp_path / "a", tmp_path / "b"
        directory.mkdir()
        with opened(directory / "log", clock, log_rotation_size=1) as file:
            write(file, "1")
            directory.rename(moved)
            write(file, "2", "3")
            assert contents(moved) == {"log": "1 2 3"}
            clock.now += RETRY - 0.1
            directory.mkdir()
            write(file, "4")
            clock.now += 0.1
            write(file, "5")
        assert [record.getMessage().split(":")[0] for record in caplog.records] == [
            "can't begin a new log file, the old one goes on"
        ]
        assert (contents(moved), contents(directory)) == ({"log": "1 2 3 4"}, {"log": "5"})

    def test_a_line_that_can_not_be_written_does_not_end_the_log(
        self, path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failures: list[logging.LogRecord] = []
        monkeypatch.setattr(LogFile, "handleError", lambda _, record: failures.append(record))
        with ExitStack() as stack:
            with a_pipe(path):
                file = stack.enter_context(opened(path, clock))
            write(file, "lost", "lost too")  # nobody reads any more
        assert [record.msg for record in failures] == ["lost"], "the first says why, the others are counted"

    def test_lines_that_were_lost_are_counted_when_it_goes_on(
        self, path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(LogFile, "handleError", lambda *_: None)
        with opened(path, clock) as file:
            with closing(file._stream):
                file._stream = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 (the file closes it)
            write(file, "lost", "lost too")
            file.reopen()
            write(file, "on")
        assert path.read_text() == "on\n"
        assert caplog.messages == ["2 log lines could not be written"]

    def test_a_line_of_which_a_part_was_written_is_not_the_beginning_of_the_next(
        self, path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(LogFile, "handleError", lambda *_: None)
        with opened(path, clock) as file:
            whole = file._stream
            file._stream = NearlyFull(whole, 6)  # type: ignore[assignment]
            write(file, "long line")
            file._stream = whole
            write(file, "next")
        assert path.read_text() == "long l\nnext\n"

    def test_a_file_that_can_not_be_opened_at_the_start_is_an_error(self, tmp_path: Path, clock: Clock) -> None:
        with pytest.raises(FileNotFoundError), opened(tmp_path / "nowhere" / "log", clock):
            pass


def test_a_file_that_is_kept_is_not_emptied_whatever_the_mode(path: Path, clock: Clock) -> None:
    path.write_text("there\n")
    with opened(path, clock, keep=True, log_mode=LogMode.CREATE):
        pass
    assert path.read_text() == "there\n"


def test_what_no_encoding_knows_is_spelled_out(path: Path, clock: Clock) -> None:
    with opened(path, clock) as file:
        write(file, "b\udce4r")
    assert path.read_text() == "b\\udce4r\n"


def test_new_rules_are_for_the_next_file(tmp_path: Path, path: Path, clock: Clock) -> None:
    with opened(path, clock) as file:
        write(file, "1", "2")
        file.configure(replace(SETTINGS, log_path=path, log_rotation_size=1))
        assert contents(tmp_path) == {"agroal.log": "1 2"}
        write(file, "3")
    assert list(contents(tmp_path).values()) == ["3", "1 2"]


def test_a_new_file_is_its_owners_alone_and_one_that_was_there_stays_as_it_is(path: Path, clock: Clock) -> None:
    with opened(path, clock):
        assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with opened(path, clock):
        assert path.stat().st_mode & 0o777 == 0o640
