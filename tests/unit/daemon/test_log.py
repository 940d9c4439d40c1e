from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agroal.config.model import LogLevel, LogMode, LogType, Settings
from agroal.daemon import log as log_module
from agroal.daemon.log import LEVELS, TRACE, LineFormatter, Log, visible
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
