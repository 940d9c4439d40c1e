"""Programs that we start: they run under the right user, they die with us, and waiting for them can be interrupted."""

from __future__ import annotations

import contextlib
import os
import pwd
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agroal.errors import AgroalError

_LEASH = Path(__file__).with_name("leash.py")
_BEAT = 0.1
"""Seconds between two calls of `pulse` while a program runs."""
_PATIENCE = 5.0
"""Seconds that a program has to end when it is told to."""


class ProgramFailed(AgroalError):
    """A program ended with a status other than 0. The message has all that it said on standard error."""

    def __init__(self, program: str, status: int, remarks: str) -> None:
        self.status = status
        super().__init__(f"{program} failed (status {status}):\n{remarks.strip() or 'without a word'}")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system, for programs that refuse to run as root."""

    name: str
    user: int
    group: int

    @classmethod
    def without_privileges(cls) -> Account | None:
        """Whom to run PostgreSQL as: `postgres`, else `nobody`; None when we are not root and stay who we are."""
        if os.getuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(name, entry.pw_uid, entry.pw_gid)
        raise AgroalError(
            "PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody to run it as"
        )

    def own(self, path: Path) -> None:
        os.chown(path, self.user, self.group)


def nothing() -> None:
    """The pulse of those who wait quietly."""


def spawn(
    command: Sequence[str], *, account: Account | None = None, at_our_death: signal.Signals | None, **popen: Any
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, where no Ctrl-C of the terminal reaches it.

    It gets the signal `at_our_death` when the calling thread's process ends; with None it may outlive us.
    """
    parent, death = str(os.getpid()), str(int(at_our_death)) if at_our_death else "-"
    identity = (str(account.user), str(account.group)) if account else ("-", "-")
    leashed = [sys.executable, "-I", "-S", str(_LEASH), parent, death, *identity, *command]
    return subprocess.Popen(leashed, start_new_session=True, **popen)


def run(
    command: Sequence[str],
    *,
    account: Account | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    pulse: Callable[[], None] = nothing,
    on_remark: Callable[[str], None] | None = None,
) -> str:
    """Run a program to its end and return its standard output.

    `pulse` is called about ten times a second meanwhile; if it raises, the program is ended and the exception goes on.
    `on_remark` gets each line of standard error as it comes. Raises ProgramFailed.
    """
    program = spawn(
        command,
        account=account,
        at_our_death=signal.SIGTERM,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said, remarks = bytearray(), bytearray()
    with program:
        try:
            for is_remark, data in _output(program, pulse):
                if not is_remark:
                    said += data
                    continue
                begin = remarks.rfind(b"\n") + 1
                remarks += data
                if on_remark:
                    for line in remarks[begin : remarks.rfind(b"\n") + 1].splitlines():
                        on_remark(line.decode(errors="replace"))
        except BaseException:
            _break_off(program)
            raise
    if program.returncode != 0:
        raise ProgramFailed(Path(command[0]).name, program.returncode, remarks.decode(errors="replace"))
    return said.decode(errors="replace")


def _output(program: subprocess.Popen[bytes], pulse: Callable[[], None]) -> Iterator[tuple[bool, bytes]]:
    """What a program says until both its streams are at their end: whether on standard error, and what."""
    assert program.stdout
    assert program.stderr
    with selectors.DefaultSelector() as selector:
        selector.register(program.stdout, selectors.EVENT_READ, False)
        selector.register(program.stderr, selectors.EVENT_READ, True)
        while selector.get_map():
            pulse()
            for key, _ in selector.select(_BEAT):
                if data := os.read(key.fd, 65536):
                    yield key.data, data
                else:
                    selector.unregister(key.fileobj)


def _break_off(program: subprocess.Popen[bytes]) -> None:
    """End a program: politely at first, because the children of an initdb that is killed leave shared memory behind."""
    program.terminate()
    if not ended(program, _PATIENCE):
        os.killpg(program.pid, signal.SIGKILL)


def ended(program: subprocess.Popen[bytes], timeout: float) -> bool:
    """Wait until a program has ended, at most `timeout` seconds."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        program.wait(timeout)
    return program.returncode is not None
