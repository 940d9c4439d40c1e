from __future__ import annotations

import json
import logging
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agroal.config.model import LogFormat, LogLevel, LogMode, LogType, Settings
from agroal.daemon import log as log_module
from agroal.daemon.about import What, said
from agroal.daemon.flood import BURST, PERIOD
from agroal.daemon.log import Log
from agroal.daemon.logline import LEVELS, TRACE, LineFormatter, visible
from agroal.errors import ConfigurationError

SETTINGS = Settings(host="*", port=2345, unix_socket_dir=Path("/tmp"), log_line_prefix="")
logger = logging.getLogger("agroal.test")
pytestmark = pytest.mark.usefixtures("loggers_as_before")


@contextmanager
def running(settings: Settings) -> Iterator[None]:
    log = Log(settings)
    yield
    log.stop()


@pytest.fixture
def to_file(tmp_path: Path) -> Settings:
    return replace(SETTINGS, log_type=LogType.FILE, log_path=tmp_path / "agroal.log")


def lines(settings: Settings) -> list[str]:
    return settings.log_path.read_text(encoding="utf-8").splitlines()


class TestVisible:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("two\nlines\r\n", r"two\nlines\r\n"),
            ("tab\there", r"tab\there"),
            ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
            ("\x00\x7f\x85\x9b", r"\x00\x7f\x85\x9b"),
            ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
            ("\u202eevil\u2066", r"\u202eevil\u2066"),
            ("b\udce4r", r"b\udce4r"),
            ("bär, 中, 😀", "bär, 中, 😀"),
        ],
    )
    def test_control_characters_are_spelled_out(self, text: str, shown: str) -> None:
        assert visible(text) == shown


class TestLines:
    @staticmethod
    def formatted(prefix: str, message: str, level: int = logging.INFO, **values: object) -> str:
        record = logging.makeLogRecord({"msg": message, "levelno": level, "created": 0.0, **values})
        return LineFormatter(prefix).format(record)

    def test_have_a_prefix_a_level_and_a_message(self) -> None:
        line = self.formatted("%Y-%m-%d %H:%M:%S", "ready")
        assert re.fullmatch(r"19\d\d-\d\d-\d\d \d\d:\d\d:\d\d INFO  ready", line)

    @pytest.mark.parametrize("level", LogLevel)
    def test_call_the_levels_as_the_configuration_does(self, level: LogLevel) -> None:
        assert self.formatted("", "x", LEVELS[level]).split() == [level.value.upper(), "x"]

    def test_without_a_prefix_begin_with_the_level(self) -> None:
        assert self.formatted("", "ready", logging.WARNING) == "WARN  ready"

    def test_an_event_is_one_line_whatever_a_client_calls_itself(self) -> None:
        name = "psql\n2026-01-01 00:00:00 INFO  all is well\x1b[2J"
        line = self.formatted("", "connect: %s", args=(name,))
        assert line == r"INFO  connect: psql\n2026-01-01 00:00:00 INFO  all is well\x1b[2J"

    def test_a_traceback_is_indented_and_made_visible_too(self) -> None:
        try:
            int("a\nb\x1b")
        except ValueError as error:
            formatted = self.formatted("", "failed", exc_info=(ValueError, error, error.__traceback__))
        first, *rest = formatted.split("\n")
        assert first == "INFO  failed"
        assert all(line.startswith("    ") for line in rest)
        assert rest[0] == "    Traceback (most recent call last):"
        assert rest[-1].endswith(r"b\x1b'")


class TestFile:
    def test_one_event_is_one_line(self, to_file: Settings) -> None:
        with running(to_file):
            logger.info("first %d%%", 1)
            logger.warning("second\nnot third")
        assert lines(to_file) == ["INFO  first 1%", r"WARN  second\nnot third"]

    def test_the_least_grave_line_is_configured(self, to_file: Settings) -> None:
        with running(replace(to_file, log_level=LogLevel.WARN)):
            logger.info("not this")
            logger.error("this")
        assert lines(to_file) == ["ERROR this"]

    def test_the_finest_level_is_trace(self, to_file: Settings) -> None:
        with running(replace(to_file, log_level=LogLevel.TRACE)):
            logger.log(TRACE, "fine")
        assert lines(to_file) == ["TRACE fine"]

    def test_what_asyncio_has_to_say_is_there_too(self, to_file: Settings) -> None:
        with running(to_file):
            logging.getLogger("asyncio").error("Task exception was never retrieved")
        assert lines(to_file) == ["ERROR Task exception was never retrieved"]

    def test_a_log_that_has_stopped_takes_nothing_more(self, to_file: Settings) -> None:
        with running(to_file):
            pass
        logger.error("too late")
        logging.getLogger("asyncio").debug("too late")
        assert lines(to_file) == []

    @pytest.mark.parametrize(("mode", "kept"), [(LogMode.APPEND, ["before"]), (LogMode.CREATE, [])])
    def test_an_existing_file_is_continued_or_begun_anew(
        self, to_file: Settings, mode: LogMode, kept: list[str]
    ) -> None:
        to_file.log_path.write_text("before\n")
        with running(replace(to_file, log_mode=mode)):
            logger.info("after")
        assert lines(to_file) == [*kept, "INFO  after"]

    def test_the_time_may_be_part_of_its_name(self, tmp_path: Path, to_file: Settings) -> None:
        with running(replace(to_file, log_path=tmp_path / "agroal-%Y.log")):
            logger.info("x")
        assert [re.fullmatch(r"agroal-\d{4}\.log", path.name) is not None for path in tmp_path.iterdir()] == [True]

    def test_a_file_that_can_not_be_opened_is_named(self, tmp_path: Path, to_file: Settings) -> None:
        with (
            pytest.raises(ConfigurationError, match=r"log_path: can't open the log: .*No such file") as refusal,
            running(replace(to_file, log_path=tmp_path / "nowhere" / "agroal.log")),
        ):
            pass
        assert str(tmp_path / "nowhere") in str(refusal.value)


class TestConsole:
    def test_lines_go_to_standard_error(self, capsys: pytest.CaptureFixture[str]) -> None:
        with running(SETTINGS):
            logger.info("hello")
        assert capsys.readouterr() == ("", "INFO  hello\n")


class TestSyslog:
    SETTINGS = replace(SETTINGS, log_type=LogType.SYSLOG, log_line_prefix="%Y")

    def test_lines_go_to_the_local_daemon_which_has_a_clock_of_its_own(
        self, monkeypatch: pytest.MonkeyPatch, path: Path
    ) -> None:
        monkeypatch.setattr(log_module, "SYSLOG", str(path))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
            daemon.bind(str(path))
            with running(self.SETTINGS):
                logger.warning("hello\nthere")
            assert daemon.recv(1000) == rb"<12>agroal: WARN  hello\nthere" + b"\0"

    def test_the_finest_level_is_not_a_warning_there(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        monkeypatch.setattr(log_module, "SYSLOG", str(path))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
            daemon.bind(str(path))
            with running(replace(self.SETTINGS, log_level=LogLevel.TRACE)):
                logger.log(TRACE, "fine")
            assert daemon.recv(1000) == b"<15>agroal: TRACE fine" + b"\0"

    def test_a_system_without_one_is_said(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        monkeypatch.setattr(log_module, "SYSLOG", str(path))
        with pytest.raises(ConfigurationError, match="log_type: can't open the log: "), running(self.SETTINGS):
            pass


class Stalled(logging.Handler):
    """A destination that takes a line and then nothing more, until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.stalls, self.goes_on = threading.Event(), threading.Event()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.stalls.set()
        self.goes_on.wait()
        self.lines.append(record.getMessage())


def test_lines_for_a_stalled_destination_are_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    destination = Stalled()
    monkeypatch.setattr(log_module, "QUEUED_LINES", 2)
    monkeypatch.setattr(log_module, "_open", lambda _: destination)
    log = Log(SETTINGS)
    logger.info("0")
    destination.stalls.wait()
    for number in range(1, 6):
        logger.info("%d", number)
    stopping = threading.Thread(target=log.stop)  # while the queue is full
    stopping.start()
    destination.goes_on.set()
    stopping.join()
    assert destination.lines == ["INFO  0", "INFO  1", "INFO  2"]
    assert capsys.readouterr().err == "agroal: 3 log lines were dropped: their destination was too slow\n"


class TestJson:
    def test_each_line_is_an_object_with_what_it_is_about(self, to_file: Settings) -> None:
        with running(replace(to_file, log_format=LogFormat.JSON)):
            logger.warning("no\nway", extra=said(event=What.REFUSED, user="ann"))
        [line] = [json.loads(line) for line in lines(to_file)]
        assert (line["level"], line["message"], line["event"], line["user"]) == ("warn", r"no\nway", "refused", "ann")

    def test_is_begun_and_ended_by_a_reload(self, to_file: Settings) -> None:
        log = Log(to_file)
        logger.info("1")
        log.reconfigure(replace(to_file, log_format=LogFormat.JSON))
        logger.info("2")
        log.reconfigure(to_file)
        logger.info("3")
        log.stop()
        first, second, third = lines(to_file)
        assert (first, json.loads(second)["message"], third) == ("INFO  1", "2", "INFO  3")

    def test_is_for_programs_what_is_remembered_is_for_people(self, to_file: Settings) -> None:
        log = Log(replace(to_file, log_format=LogFormat.JSON))
        logger.info("hello")
        assert [line.text for line in log.tail(LogLevel.INFO, 1)] == ["INFO  hello"]
        log.stop()


class TestConsoleOfSystemd:
    def test_gets_priorities_and_needs_no_time(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        status = os.fstat(2)
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        with running(replace(SETTINGS, log_line_prefix="at")):
            logger.info("hello")
            logger.error("two\nlines", exc_info=ValueError("x"))
        assert capfd.readouterr().err.splitlines() == ["<6>INFO  hello", r"<3>ERROR two\nlines", "<3>    ValueError: x"]

    def test_gets_json_as_well(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        status = os.fstat(2)
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        with running(replace(SETTINGS, log_format=LogFormat.JSON)):
            logger.info("hello")
        line = capfd.readouterr().err
        assert line.startswith("<6>{")
        assert json.loads(line[3:])["message"] == "hello"


class TestJournald:
    def test_lines_go_to_the_journal_with_their_fields(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        monkeypatch.setattr(log_module, "JOURNAL", str(path))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
            journal.bind(str(path))
            with running(replace(SETTINGS, log_type=LogType.JOURNALD, log_line_prefix="at", log_format=LogFormat.JSON)):
                logger.warning("hello", extra=said(user="ann"))
            assert journal.recv(1000) == b"", "whether it is there is tried with nothing"
            entry = journal.recv(10_000).decode().splitlines()
        assert entry[:3] == ["MESSAGE=hello", "PRIORITY=4", "SYSLOG_IDENTIFIER=agroal"]
        assert "AGROAL_USER=ann" in entry
        assert "CODE_FUNC=test_lines_go_to_the_journal_with_their_fields" in entry

    def test_a_system_without_one_is_said(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        monkeypatch.setattr(log_module, "JOURNAL", str(path))
        with (
            pytest.raises(ConfigurationError, match="log_type: can't open the log: "),
            running(replace(SETTINGS, log_type=LogType.JOURNALD)),
        ):
            pass


class TestFlood:
    def test_of_like_lines_the_rest_is_counted(self, to_file: Settings) -> None:
        log = Log(to_file, lambda: 0.0)
        for _ in range(BURST + 7):
            logger.warning("%s is refused", "x", extra=said(event=What.REFUSED, reason="28P01"))
        assert log.warnings == BURST + 7, "all are counted"
        log.stop()
        written = lines(to_file)
        assert written[:-1] == ["WARN  x is refused"] * BURST
        assert written[-1] == "WARN  left out within 10 s: 7 lines like “… is refused (28P01)”"

    def test_it_is_said_although_no_further_line_comes(self, to_file: Settings) -> None:
        now = [0.0]
        log = Log(to_file, lambda: now[0])
        for _ in range(BURST + 1):
            logger.warning("no", extra=said(event=What.REFUSED))
        log.settle()
        assert "left out" not in log.tail(LogLevel.WARN, 1)[0].text
        now[0] = PERIOD
        log.settle()
        assert "left out within 10 s: 1 line like “no”" in log.tail(LogLevel.WARN, 1)[0].text
        log.stop()


def test_a_line_that_can_not_be_put_together_ends_nobody(to_file: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with running(to_file):
        logger.info("%d", "no number")
        logger.info("on")
    assert lines(to_file) == ["INFO  on"]
    assert "TypeError" in capsys.readouterr().err
