"""The client programs, at one address: one at a time, or several at once."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from subprocess import DEVNULL, Popen

from agroal.demo.processes import ProgramFailed, ended, run, spawn
from tests.bench.failure import BenchFailed
from tests.bench.server import Server

_BEAT = 0.05
"""Seconds between two looks at programs that run."""
_PATIENCE = 40.0
"""Seconds that a program may take beside those that it was asked to run."""


class Clients:
    """Programs that connect to `host` and `port`. What they write lies in `folder` until `leavings` has been asked."""

    def __init__(self, server: Server, host: str, port: int, folder: Path) -> None:
        self._server = server
        self._host = host
        self._port = port
        self._folder = folder

    def command(self, program: str, user: str, arguments: Sequence[str]) -> str:
        """The command line, for people."""
        return shlex.join(self._words(program, user, arguments))

    def run(self, program: str, user: str, arguments: Sequence[str], seconds: float) -> str:
        """Run to the end and return what was said. Raises ProgramFailed, BenchFailed when it takes far too long."""
        words = self._words(program, user, arguments)
        return run(words, env=self._server.environment(), cwd=self._folder, pulse=self._pulse(program, seconds))

    def run_together(self, program: str, users: Sequence[str], arguments: Sequence[str], seconds: float) -> list[str]:
        """The same program for each of the users, at once; returns what each has said.

        Raises ProgramFailed, BenchFailed when they take far too long.
        """
        pulse = self._pulse(program, seconds)
        with self._crew(program, users, arguments) as crew:
            for member in crew.values():
                while not ended(member, _BEAT):
                    pulse()
            for user, member in crew.items():
                if member.returncode != 0:
                    raise ProgramFailed(f"{program} of {user}", member.returncode, self._said(user, "err"))
            return [self._said(user, "out") for user in users]

    def leavings(self, pattern: str) -> Iterator[str]:
        """The text of each file of such a name, and the file is gone."""
        for path in sorted(self._folder.glob(pattern)):
            yield path.read_text()
            path.unlink()

    def _pulse(self, program: str, seconds: float) -> Callable[[], None]:
        deadline = time.monotonic() + seconds + _PATIENCE

        def pulse() -> None:
            self._server.pulse()
            if time.monotonic() > deadline:
                raise BenchFailed(f"{program} was asked to run for {seconds:g} s, and still does {_PATIENCE:g} s later")

        return pulse

    def _words(self, program: str, user: str, arguments: Sequence[str]) -> list[str]:
        return self._server.command(program, self._host, self._port, user, arguments)

    @contextmanager
    def _crew(self, program: str, users: Sequence[str], arguments: Sequence[str]) -> Iterator[dict[str, Popen[bytes]]]:
        """Programs that run, by user; whoever still does at the end is killed."""
        crew: dict[str, Popen[bytes]] = {}
        try:
            for user in users:
                with (self._folder / f"{user}.out").open("wb") as out, (self._folder / f"{user}.err").open("wb") as err:
                    crew[user] = spawn(
                        self._words(program, user, arguments),
                        at_our_death=SIGTERM,
                        env=self._server.environment(),
                        cwd=self._folder,
                        stdin=DEVNULL,
                        stdout=out,
                        stderr=err,
                    )
            yield crew
        finally:
            for member in crew.values():
                if not ended(member, 0):
                    member.kill()
                    member.wait()

    def _said(self, user: str, stream: str) -> str:
        return (self._folder / f"{user}.{stream}").read_text(errors="replace")
