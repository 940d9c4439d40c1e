"""The journal of systemd: its native protocol, and what it makes of a program's standard error.

A line is one datagram, `NAME=value` by `NAME=value`; a value with line ends in it has its length before it. What is too
long for a datagram goes into a sealed file in memory, and its descriptor is sent
(https://systemd.io/JOURNAL_NATIVE_PROTOCOL).
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from agroal.config.model import LogLevel
from agroal.daemon.about import fields_of
from agroal.daemon.logline import level_of, visible

JOURNAL: Final = "/run/systemd/journal/socket"
"""Where the journal listens."""
PRIORITIES: Final = {
    LogLevel.FATAL: 2,
    LogLevel.ERROR: 3,
    LogLevel.WARN: 4,
    LogLevel.INFO: 6,
    LogLevel.DEBUG: 7,
    LogLevel.TRACE: 7,
}
"""Those of syslog(3)."""

_LENGTH = struct.Struct("<Q")


class Journal(logging.Handler):
    """Writes to the journal. Everything but the constructor belongs to the thread that writes the log."""

    def __init__(self, path: str = JOURNAL) -> None:
        """Raises OSError when nobody listens there."""
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.sendto(b"", path)  # an empty datagram means nothing
        except OSError:
            self._socket.close()
            raise
        super().__init__()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._send(entry(self.format(record), record))
        except Exception:  # whatever it is, it must not end the thread
            self.handleError(record)

    def close(self) -> None:
        self._socket.close()
        super().close()

    def _send(self, data: bytes) -> None:
        """To whoever listens by that name now: the journal may have been started anew."""
        try:
            self._socket.sendto(data, self._path)
        except OSError as error:
            if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                raise
            self._send_as_file(data)

    def _send_as_file(self, data: bytes) -> None:
        descriptor = os.memfd_create("agroal-log", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(data)
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", descriptor))
            self._socket.sendmsg([b""], [rights], 0, self._path)
        finally:
            os.close(descriptor)


def entry(message: str, record: logging.LogRecord) -> bytes:
    """A line as the journal takes it."""
    return b"".join(_written(name, value) for name, value in _entries(message, record))


def _entries(message: str, record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    yield "MESSAGE", message
    yield "PRIORITY", PRIORITIES[level_of(record)]
    yield "SYSLOG_IDENTIFIER", "agroal"
    if record.pathname:
        yield from (("CODE_FILE", record.pathname), ("CODE_LINE", record.lineno), ("CODE_FUNC", record.funcName))
    yield "AGROAL_LOGGER", record.name
    for name, value in fields_of(record).items():
        if value is not None:
            yield f"AGROAL_{name.upper()}", visible(value) if isinstance(value, str) else value


def _written(name: str, value: object) -> bytes:
    text = str(value).encode("utf-8", "backslashreplace")
    if b"\n" in text:
        return b"%b\n%b%b\n" % (name.encode(), _LENGTH.pack(len(text)), text)
    return b"%b=%b\n" % (name.encode(), text)


def takes_standard_error(stream: str, descriptor: int = 2) -> bool:
    """`stream`: JOURNAL_STREAM of the environment. Whether what is written to this descriptor goes to the journal."""
    with suppress(ValueError, OSError):
        device, inode = map(int, stream.split(":"))
        status = os.fstat(descriptor)
        return (status.st_dev, status.st_ino) == (device, inode)
    return False


def prioritised(lines: Iterable[str], level: LogLevel) -> Iterator[str]:
    """Lines for such a standard error, each with its priority before it (sd-daemon(3))."""
    return (f"<{PRIORITIES[level]}>{line}" for line in lines)
