"""What a running log can be asked and told."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from agroal.config.model import LogLevel, LogMode, LogType, Settings
from agroal.daemon import log as log_module
from agroal.daemon.log import LONGEST_REMEMBERED, REMEMBERED_LINES, Line, Log
from agroal.daemon.logfile import LogFile
from agroal.daemon.logline import TRACE
from agroal.errors import ConfigurationError
from tests.unit.daemon.test_log import SETTINGS

logger = logging.getLogger("agroal.test")
pytestmark = pytest.mark.usefixtures("loggers_as_before")


@contextmanager
def running(settings: Settings = SETTINGS) -> Iterator[Log]:
    """Its clock counts the lines."""
    log = Log(settings, count().__next__)
    try:
        yield log
    finally:
        log.stop()


@pytest.fixture
def to_file(tmp_path: Path) -> Settings:
    return replace(SETTINGS, log_type=LogType.FILE, log_path=tmp_path / "agroal.log")


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


class TestReconfigure:
    def test_what_was_logged_before_goes_where_it_was_meant_to(self, tmp_path: Path, to_file: Settings) -> None:
        other = tmp_path / "other.log"
        with running(to_file) as log:
            for number in range(100):
                logger.info("%d", number)
            log.reconfigure(replace(to_file, log_path=other))
            logger.info("100")
        assert lines(to_file.log_path) == [f"INFO  {number}" for number in range(100)]
        assert lines(other) == ["INFO  100"]

    def test_level_and_prefix_hold_at_once(self, to_file: Settings) -> None:
        with running(to_file) as log:
            logger.debug("not this")
            log.reconfigure(replace(to_file, log_level=LogLevel.TRACE, log_line_prefix="at"))
            logger.log(TRACE, "this")
            log.reconfigure(replace(to_file, log_level=LogLevel.ERROR))
            logger.warning("nor this")
        assert lines(to_file.log_path) == ["at TRACE this"]

    def test_another_file_is_never_emptied_by_a_reload(self, tmp_path: Path, to_file: Settings) -> None:
        other = tmp_path / "other.log"
        other.write_text("there\n")
        with running(to_file) as log:
            log.reconfigure(replace(to_file, log_path=other, log_mode=LogMode.CREATE))
            logger.info("new")
        assert lines(other) == ["there", "INFO  new"]

    def test_the_same_file_goes_on_with_the_new_rules(self, tmp_path: Path, to_file: Settings) -> None:
        with running(to_file) as log:
            logger.info("1")
            log.reconfigure(replace(to_file, log_mode=LogMode.CREATE))
            logger.info("2")
            log.reconfigure(replace(to_file, log_rotation_size=1))
            logger.info("3")
        aside, current = sorted(tmp_path.iterdir(), key=lambda path: -len(path.name))
        assert (lines(aside), lines(current)) == (["INFO  1", "INFO  2"], ["INFO  3"])

    def test_a_file_that_can_not_be_opened_changes_nothing(self, tmp_path: Path, to_file: Settings) -> None:
        nowhere = tmp_path / "nowhere" / "agroal.log"
        with running(to_file) as log:
            with pytest.raises(ConfigurationError, match="log_path: can't open the log: ") as refusal:
                log.reconfigure(replace(to_file, log_path=nowhere, log_level=LogLevel.FATAL, log_line_prefix="at"))
            logger.info("still here")
            log.reconfigure(replace(to_file, log_path=tmp_path / "other.log"))
        assert str(nowhere) in str(refusal.value)
        assert lines(to_file.log_path) == ["INFO  still here"]

    def test_the_type_stays_till_the_next_start(self, to_file: Settings, capsys: pytest.CaptureFixture[str]) -> None:
        with running() as log:
            log.reconfigure(to_file)
            logger.info("hello")
        assert capsys.readouterr().err == "INFO  hello\n"
        assert not to_file.log_path.exists()

    def test_another_file_is_taken_although_the_type_has_to_wait(self, tmp_path: Path, to_file: Settings) -> None:
        other = tmp_path / "other.log"
        with running(to_file) as log:
            log.reconfigure(replace(to_file, log_type=LogType.SYSLOG, log_path=other, log_line_prefix="at"))
            logger.info("hello")
        assert lines(other) == ["at INFO  hello"]


class TestReopen:
    def test_follows_what_was_logged_before(self, tmp_path: Path, to_file: Settings) -> None:
        moved = tmp_path / "agroal.log.1"
        with running(to_file) as log:
            logger.info("1")
            to_file.log_path.rename(moved)
            logger.info("2")
            log.reopen()
            logger.info("3")
        assert (lines(moved), lines(to_file.log_path)) == (["INFO  1", "INFO  2"], ["INFO  3"])

    def test_of_the_console_is_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        with running() as log:
            log.reopen()
            logger.info("on")
        assert capsys.readouterr().err == "INFO  on\n"


class TestTail:
    def test_has_the_lines_as_they_are_in_the_log_with_their_levels_and_times(self) -> None:
        with running(replace(SETTINGS, log_line_prefix="at")) as log:
            logger.info("one\n%s", "two")
            logging.getLogger("asyncio").error("three")
            assert log.tail(LogLevel.TRACE, 10) == [
                Line(0, LogLevel.INFO, r"at INFO  one\ntwo"),
                Line(1, LogLevel.ERROR, "at ERROR three"),
            ]

    @pytest.mark.parametrize(
        ("level", "number", "found"),
        [
            (LogLevel.INFO, 2, ["3", "4"]),
            (LogLevel.WARN, 2, ["1", "3"]),
            (LogLevel.WARN, 9, ["1", "3"]),
            (LogLevel.ERROR, 9, ["3"]),
            (LogLevel.FATAL, 9, []),
            (LogLevel.INFO, 0, []),
        ],
    )
    def test_is_of_the_last_lines_that_are_grave_enough(self, level: LogLevel, number: int, found: list[str]) -> None:
        with running() as log:
            logger.warning("1")
            logger.info("2")
            logger.error("3")
            logger.info("4")
            assert [line.text.split()[-1] for line in log.tail(level, number)] == found

    def test_knows_the_last_thousand(self) -> None:
        with running() as log:
            for number in range(REMEMBERED_LINES + 5):
                logger.info("%d", number)
            found = log.tail(LogLevel.TRACE, 2 * REMEMBERED_LINES)
        assert (found[0].text, found[-1].text, len(found)) == ("INFO  5", "INFO  1004", 1000)

    def test_a_level_between_ours_counts_as_the_next_less_grave(self) -> None:
        with running(replace(SETTINGS, log_level=LogLevel.TRACE)) as log:
            logger.log(logging.WARNING + 1, "between")
            logger.log(TRACE, "least")
            assert [line.level for line in log.tail(LogLevel.TRACE, 2)] == [LogLevel.WARN, LogLevel.TRACE]

    def test_has_lines_that_their_destination_was_too_slow_for(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(log_module, "QUEUED_LINES", 0)
        with running() as log:
            logger.info("dropped")
            assert [line.text for line in log.tail(LogLevel.INFO, 1)] == ["INFO  dropped"]
        assert capsys.readouterr().err == "agroal: 1 log lines were dropped: their destination was too slow\n"


def test_warnings_and_errors_are_counted() -> None:
    with running() as log:
        assert (log.warnings, log.errors) == (0, 0)
        logger.info("x")
        logger.warning("x")
        logger.error("x")
        logger.critical("x")
        assert (log.warnings, log.errors) == (1, 2)


def test_what_the_thread_is_told_is_never_dropped(
    tmp_path: Path, to_file: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stalls, goes_on, emit = threading.Event(), threading.Event(), LogFile.emit

    def slowly(file: LogFile, record: logging.LogRecord) -> None:
        stalls.set()
        goes_on.wait()
        emit(file, record)

    monkeypatch.setattr(LogFile, "emit", slowly)
    monkeypatch.setattr(log_module, "QUEUED_LINES", 1)
    with running(to_file) as log:
        logger.info("0")
        stalls.wait()
        for line in ("1", "dropped", "dropped too"):
            logger.info(line)
        to_file.log_path.rename(tmp_path / "moved")
        log.reopen()
        goes_on.set()
    assert lines(tmp_path / "moved") == ["INFO  0", "INFO  1"]
    assert lines(to_file.log_path) == []
    assert capsys.readouterr().err.startswith("agroal: 2 log lines were dropped: ")


def test_the_thread_says_itself_what_goes_wrong_with_its_file(tmp_path: Path, to_file: Settings) -> None:
    directory, done = tmp_path / "a", threading.Event()
    directory.mkdir()
    with running(replace(to_file, log_path=directory / "log")) as log:
        directory.rename(tmp_path / "b")
        log.reopen()
        log._writer.tell(done.set)
        done.wait()
        assert log.warnings == 1
    assert "WARN  can't open the log again" in lines(tmp_path / "b" / "log")[0]


def test_troubles_are_not_lost_among_other_lines() -> None:
    with running() as log:
        logger.warning("early")
        for number in range(2 * REMEMBERED_LINES):
            logger.info("%d", number)
        logger.error("late")
        assert [line.text for line in log.troubles(-1.0)] == ["WARN  early", "ERROR late"]
        assert [line.text for line in log.troubles(5.0)] == ["ERROR late"]


def test_a_long_line_is_remembered_in_part() -> None:
    with running() as log:
        logger.info("x" * 10_000)
        assert len(log.tail(LogLevel.INFO, 1)[0].text) == LONGEST_REMEMBERED
