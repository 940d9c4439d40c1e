"""Asks a running agroal through its management socket, or over the network: synchronous.

A program with an event loop of its own uses the codec instead, which is named here for it: `encode_request` what it
asks, feed a `Decoder(MAX_ANSWER)` what it reads, `decode_reply` what that gives, and `neutral` what it shows of errors.

This module and `snapshot` are all that agroal-top knows of agroal: what it needs of others is named here, too.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from agroal import __version__
from agroal.errors import ConfigurationError, ManagementError
from agroal.management.address import Remote, TlsMode
from agroal.management.event import Event
from agroal.management.layout import block, table, width
from agroal.management.neutral import neutral
from agroal.management.passfile import own_name, with_password
from agroal.management.record import Line, Name, Record, Token
from agroal.management.wire import (
    MAX_ANSWER,
    Answer,
    Code,
    Decoder,
    Failure,
    Push,
    Request,
    decode_reply,
    encode_request,
)

__all__ = (
    "MAX_ANSWER",
    "Answer",
    "Code",
    "Decoder",
    "Done",
    "Event",
    "Failure",
    "Line",
    "ManagementClient",
    "ManagementError",
    "Name",
    "Push",
    "Record",
    "Remote",
    "Request",
    "Token",
    "__version__",
    "block",
    "configured_socket",
    "decode_reply",
    "encode_request",
    "neutral",
    "own_name",
    "socket_path",
    "table",
    "width",
    "with_password",
)

_CHUNK = 1 << 16


def socket_path(directory: Path, port: int) -> Path:
    """Where the agroal that listens on `port` has its management socket."""
    return directory / f".s.agroal.{port}"


def configured_socket(config: Path | None, directory: Path | None) -> Path:
    """The management socket of the agroal whose main file is `config`, or lies in `directory`, or in the usual place.

    No other file is read, so that a mistake in one does not keep anybody from asking. Raises ManagementError
    `configuration`.
    """
    # Here, because a program that is told the socket need not wait for them.
    from agroal.config.load import locate
    from agroal.config.report import Report, read_text
    from agroal.config.sections import read_main

    files = locate({"main": config}, directory)
    report = Report(str(files.main))
    text = read_text(files.main, files.origins.get("main", ""), report)
    settings = None if text is None else read_main(text, report, os.environ).settings
    if settings is None:
        error = ConfigurationError(report.problems)
        raise ManagementError(Code.CONFIGURATION, f"{error}\n--socket PATH asks without the file") from error
    return socket_path(settings.unix_socket_dir, settings.port)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a request that succeeded."""

    result: Mapping[str, Any]
    took_us: int | None
    """Microseconds of execution; None from a daemon that does not say."""
    dry_run: bool
    repeated: bool
    """It is what became of an earlier request with the same key."""


class ManagementClient:
    """A connection to a management socket, or to an agroal in the network; a context manager that closes it.

    `timeout`: seconds that connecting, and every answer as a whole, may take.
    """

    def __init__(self, where: Path | Remote, timeout: float = 15.0) -> None:
        """Raises ManagementError `cannot-connect`; in the network also `denied`, `configuration`, and as `ask` does."""
        self._where = where
        self._timeout = timeout
        self._decoder = Decoder(MAX_ANSWER)
        self._last_id = 0
        self._pushes: deque[Push] = deque()
        """Those that came while an answer was awaited."""
        if isinstance(where, Path):
            self._socket = _connected(where, timeout)
        else:
            from agroal.management import reach  # here, because who asks a socket need not wait for TLS

            self._socket = reach.dial(where, timeout)
            self._prove_to(where, reach.binding_of(self._socket))

    def _prove_to(self, remote: Remote, binding: bytes | None) -> None:
        """Prove who we are, and have it proved that this is the agroal that we mean."""
        from agroal.management.proof import proof

        try:
            verified = remote.tls_mode is TlsMode.VERIFY_FULL
            talk = proof(remote.user, remote.password, os.urandom(18).hex(), binding=binding, verified=verified)
            args = next(talk)
            with contextlib.suppress(StopIteration):
                while True:
                    args = talk.send(self.ask("authenticate", args).result)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """May be called from another thread: whoever waits there gets `connection-lost`."""
        with contextlib.suppress(OSError):  # the other end may be gone
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, verb: str, **args: object) -> dict[str, Any]:
        """The result of a verb. Raises ManagementError as `ask` does."""
        return dict(self.ask(verb, args).result)

    def ask(
        self,
        verb: str,
        args: Mapping[str, object] | None = None,
        *,
        dry_run: bool = False,
        key: str | None = None,
        patience: float = 0.0,
        heard: Callable[[Push], object] | None = None,
    ) -> Done:
        """What a verb did, or in a dry run would do. A request that is repeated with its `key` is not obeyed twice.

        `patience`: so many seconds more may it take. `heard` gets what is pushed meanwhile. Raises ManagementError: the
        daemon's own, or `timeout`, `connection-lost`, `malformed`.
        """
        self._last_id += 1
        request = encode_request(Request(self._last_id, verb, args or {}, dry_run, key))
        seconds = self._timeout + patience
        with self._explained(f"agroal did not answer “{verb}” within {seconds:g} s"):
            # A daemon that refuses us (`busy`) has closed its end, and yet its reason is there to be read.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._socket.sendall(request)
            answer = self._answer(time.monotonic() + seconds, heard or self._pushes.append)
        match answer.outcome:
            case Failure(code, message):
                raise ManagementError(neutral(code), neutral(message))
            case result if answer.id == self._last_id:
                return Done(result, answer.took_us, answer.dry_run, answer.repeated)
        raise ManagementError(Code.MALFORMED, f"the answer to request {self._last_id} came as answer to {answer.id!a}")

    def subscribe(self, *topics: str, interval: float = 1.0, after: int | None = None) -> Iterator[Push]:
        """Snapshots and events as they come: `topics` are of these two, `interval` is in seconds.

        `after` is the number of the last event that is known; without it only new ones come. It begins with the first
        `next` and goes on until the connection is closed; between two pushes `ask` may be called. Raises
        ManagementError as `ask` does; `timeout` when snapshots were asked for and none comes.
        """
        since = {} if after is None else {"after": after}
        self.ask("subscribe", {"topics": topics, "interval_ms": round(interval * 1000), **since})
        self._pushes.clear()  # what came before the answer was of an earlier subscription
        patience = interval + self._timeout if "snapshot" in topics else None
        while True:
            yield self._pushes.popleft() if self._pushes else self._push(patience)

    def _answer(self, deadline: float, heard: Callable[[Push], object]) -> Answer:
        while isinstance(reply := self._receive(deadline), Push):
            heard(reply)
        return reply

    def _push(self, patience: float | None) -> Push:
        with self._explained("agroal sends no more snapshots"):
            reply = self._receive(None if patience is None else time.monotonic() + patience)
        if not isinstance(reply, Push):
            raise ManagementError(Code.MALFORMED, "an answer came that nobody asked for")
        return reply

    def _receive(self, deadline: float | None) -> Answer | Push:
        while (body := self._decoder.take()) is None:
            self._socket.settimeout(None if deadline is None else max(0.001, deadline - time.monotonic()))
            if not (data := self._socket.recv(_CHUNK)):
                message = f"agroal closed the connection to {self._where} without an answer: its log may say why"
                raise ManagementError(Code.CONNECTION_LOST, message)
            self._decoder.feed(data)
        return decode_reply(body)

    @contextlib.contextmanager
    def _explained(self, silence: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise ManagementError(Code.TIMEOUT, silence) from None
        except OSError as error:
            message = f"the connection to {self._where} broke: {error.strerror or error}"
            raise ManagementError(Code.CONNECTION_LOST, message) from error


def _connected(path: Path, timeout: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect(str(path))
    except OSError as error:
        connection.close()
        raise ManagementError(Code.CANNOT_CONNECT, _unreachable(path, error)) from error
    return connection


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
