from __future__ import annotations

import array
import errno
import fcntl
import logging
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agroal.config.model import LogLevel
from agroal.daemon.about import said
from agroal.daemon.journal import PRIORITIES, Journal, entry, prioritised, takes_standard_error
from agroal.daemon.logline import LEVELS


def record(message: str = "hello", level: int = logging.WARNING, **values: object) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "agroal.test", "msg": message, "levelno": level, **values})


def fields(data: bytes) -> dict[str, str]:
    """What the journal makes of a datagram."""
    found = {}
    while data:
        head, _, data = data.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if not equals:
            (length,) = struct.unpack_from("<Q", data)
            value, data = data[8 : 8 + length], data[8 + length :]
            assert data[:1] == b"\n"
            data = data[1:]
        found[name.decode()] = value.decode()
    return found


@pytest.fixture
def listener(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(path))
        made.setblocking(False)
        yield made


@pytest.fixture
def journal(listener: socket.socket, path: Path) -> Iterator[Journal]:
    made = Journal(str(path))
    assert listener.recv(10) == b"", "the journal takes an empty datagram for nothing"
    yield made
    made.close()


class TestEntry:
    def test_has_priority_identifier_place_and_what_it_is_about(self) -> None:
        made = record(pathname="/x/session.py", lineno=7, funcName="run", **said(user="ann", slot=0))
        assert fields(entry("hello", made)) == {
            "MESSAGE": "hello",
            "PRIORITY": "4",
            "SYSLOG_IDENTIFIER": "agroal",
            "CODE_FILE": "/x/session.py",
            "CODE_LINE": "7",
            "CODE_FUNC": "run",
            "AGROAL_LOGGER": "agroal.test",
            "AGROAL_USER": "ann",
            "AGROAL_SLOT": "0",
        }

    def test_has_a_message_of_several_lines_with_its_length(self) -> None:
        assert fields(entry("failed\n    Traceback", record()))["MESSAGE"] == "failed\n    Traceback"

    @pytest.mark.parametrize("level", LogLevel)
    def test_has_the_priority_of_every_level(self, level: LogLevel) -> None:
        assert fields(entry("x", record(level=LEVELS[level])))["PRIORITY"] == str(PRIORITIES[level])


class TestJournal:
    def test_a_line_is_a_datagram(self, journal: Journal, listener: socket.socket) -> None:
        journal.handle(record("one"))
        journal.handle(record("two"))
        assert [fields(listener.recv(10_000))["MESSAGE"] for _ in range(2)] == ["one", "two"]

    def test_one_that_is_too_long_is_a_sealed_file(
        self, journal: Journal, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Small(socket.socket):
            def sendto(self, *_: Any) -> int:
                raise OSError(errno.EMSGSIZE, "Message too long")

        journal._socket.close()
        journal._socket = Small(socket.AF_UNIX, socket.SOCK_DGRAM)
        journal.handle(record("long"))
        data, ancillary, *_ = listener.recvmsg(10, socket.CMSG_SPACE(4))
        assert data == b""
        [(_, _, rights)] = ancillary
        (descriptor,) = array.array("i", rights)
        try:
            assert fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & fcntl.F_SEAL_WRITE
            assert fields(os.pread(descriptor, 10_000, 0))["MESSAGE"] == "long"
        finally:
            os.close(descriptor)

    def test_a_journal_that_was_started_anew_gets_the_next_line(self, journal: Journal, path: Path) -> None:
        path.unlink()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.bind(str(path))
            journal.handle(record("again"))
            assert fields(other.recv(10_000))["MESSAGE"] == "again"

    def test_a_line_that_can_not_be_sent_does_not_end_the_log(
        self, journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failures: list[logging.LogRecord] = []
        monkeypatch.setattr(Journal, "handleError", lambda _, record: failures.append(record))
        path.unlink()
        journal.handle(record("lost"))
        assert [record.msg for record in failures] == ["lost"]

    def test_where_there_is_none_that_is_an_error(self, path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            Journal(str(path))


class TestStandardError:
    def test_is_the_journal_when_it_is_the_stream_that_systemd_named(self, tmp_path: Path) -> None:
        with (tmp_path / "stream").open("w") as stream:
            status = os.fstat(stream.fileno())
            assert takes_standard_error(f"{status.st_dev}:{status.st_ino}", stream.fileno())
            assert not takes_standard_error(f"{status.st_dev}:{status.st_ino + 1}", stream.fileno())

    @pytest.mark.parametrize("stream", ["", "8", "8:x", "8:9:10"])
    def test_is_not_when_nobody_says_so(self, stream: str) -> None:
        assert not takes_standard_error(stream)

    def test_gets_each_line_with_its_priority(self) -> None:
        assert list(prioritised(["failed", "    Traceback"], LogLevel.ERROR)) == ["<3>failed", "<3>    Traceback"]
