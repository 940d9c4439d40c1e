"""Asks a running agroal through its management socket: synchronous, standard library only."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path
from typing import Any, Self

from agroal.errors import ManagementError
from agroal.management.neutral import neutral
from agroal.management.wire import MAX_ANSWER, Answer, Code, Decoder, Failure, Request, decode_answer, encode_request

_CHUNK = 1 << 16


def socket_path(directory: Path, port: int) -> Path:
    """Where the agroal that listens on `port` has its management socket."""
    return directory / f".s.agroal.{port}"


class ManagementClient:
    """A connection to the management socket at `path`; a context manager that closes it.

    `timeout`: seconds that connecting, and every answer as a whole, may take.
    """

    def __init__(self, path: Path, timeout: float = 15.0) -> None:
        """Raises ManagementError `cannot-connect`."""
        self._path = path
        self._timeout = timeout
        self._decoder = Decoder(MAX_ANSWER)
        self._last_id = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise ManagementError(Code.CANNOT_CONNECT, _unreachable(path, error)) from error

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, verb: str, **args: object) -> dict[str, Any]:
        """The result of a verb.

        Raises ManagementError: the daemon's own, or `timeout`, `connection-lost`, `malformed`.
        """
        self._last_id += 1
        request = encode_request(Request(self._last_id, verb, args))
        try:
            # A daemon that refuses us (`busy`) has closed its end, and yet its reason is there to be read.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._socket.sendall(request)
            reply = self._receive(time.monotonic() + self._timeout)
        except TimeoutError:
            message = f"agroal did not answer “{verb}” within {self._timeout:g} s"
            raise ManagementError(Code.TIMEOUT, message) from None
        except OSError as error:
            message = f"the connection to {self._path} broke: {error.strerror}"
            raise ManagementError(Code.CONNECTION_LOST, message) from error
        match reply.outcome:
            case Failure(code, message):
                raise ManagementError(neutral(code), neutral(message))
            case result if reply.id == self._last_id:
                return dict(result)
        raise ManagementError(Code.MALFORMED, f"the answer to request {self._last_id} came as answer to {reply.id!a}")

    def _receive(self, deadline: float) -> Answer:
        while (body := self._decoder.take()) is None:
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            if not (data := self._socket.recv(_CHUNK)):
                message = f"agroal closed the connection to {self._path} without an answer: its log may say why"
                raise ManagementError(Code.CONNECTION_LOST, message)
            self._decoder.feed(data)
        return decode_answer(body)


def _unreachable(path: Path, error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return f"no agroal listens on {path}: is it running? `agroal -D DIR` starts it"
        case ConnectionRefusedError():
            return f"no agroal listens on {path}: the one that did is gone; `agroal -D DIR` starts it"
        case PermissionError():
            return f"{path} may not be opened: run this as the user that runs agroal"
        case TimeoutError() | BlockingIOError():
            return f"agroal does not take the connection on {path}: it is busy, or stopped in a debugger"
    return f"can't connect to {path}: {error.strerror or error}"
