"""Being a daemon in the Unix sense: into the background, and a file with the process id."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from agroal.errors import ConfigurationError, Problem

MAX_PID = 1 << 22
"""The most that Linux gives (proc(5), pid_max)."""
READY = b"\0"
"""What no reason for a failure consists of."""


class Readiness:
    """How the process in the background tells the one in front that it serves, or why it does not."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def reached(self) -> None:
        """Let the process in front go home with exit status 0."""
        self._tell(READY)

    def failed(self, why: str) -> None:
        """Let it print this, and exit with 1."""
        self._tell(why.encode(errors="backslashreplace"))

    def _tell(self, outcome: bytes) -> None:
        """Once: what goes wrong later is for the log alone."""
        if self._pipe >= 0:
            os.write(self._pipe, outcome)
            os.close(self._pipe)
            self._pipe = -1


def go_to_background() -> Readiness:
    """Fork away from the terminal.

    Returns in the child only: the parent exits when the child is ready or has failed.
    """
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            outcome = pipe.read()
        if outcome != READY:
            why = outcome.decode(errors="replace") or "it ended before it was ready; its log may say why"
            sys.stderr.write("".join(f"agroal: {line}\n" for line in why.splitlines()))
            sys.stderr.flush()
        os._exit(0 if outcome == READY else 1)
    os.close(reading)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    return Readiness(writing)


class PidFile:
    """Holds the process id while the daemon runs. That of a process that is gone is replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        """Raises ConfigurationError when another daemon holds it, or it can't be written."""
        try:
            if owner := self._owner():
                raise self._refusal(f"agroal is running already, as process {owner}; stop it, or set another pidfile")
            self._path.unlink(missing_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
            with os.fdopen(descriptor, "w") as file:
                file.write(f"{os.getpid()}\n")
        except OSError as error:
            raise self._refusal(f"can't be written: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._path.unlink(missing_ok=True)

    def _owner(self) -> int | None:
        """The living process whose id is in the file."""
        try:
            text = self._path.read_text(errors="replace").strip()
        except FileNotFoundError:
            return None
        if not text:  # its writer was gone before it came to it
            return None
        if not text.isdecimal() or not 0 < (pid := int(text)) <= MAX_PID:
            raise self._refusal("holds something else than a process id: remove it, or set another pidfile")
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            return pid  # somebody else's process is a living one
        return pid if pid != os.getpid() else None

    def _refusal(self, why: str) -> ConfigurationError:
        return ConfigurationError([Problem(str(self._path), 0, "pidfile", why)])
