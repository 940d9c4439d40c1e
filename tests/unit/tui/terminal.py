"""A program on a terminal of its own: what it writes there is read as a terminal would, and keys are typed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.cells import cell_len

_PIECE = re.compile(
    r"\x1b\[(?P<arguments>[0-9;:?<>=]*)[ !\"$']*(?P<command>[@-~])"  # CSI
    r"|\x1b[\]P_^X].*?(?:\x07|\x1b\\)"  # a text for the terminal itself
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x9f])",
    re.DOTALL,
)


_OF_OTHERS = ("TEXTUAL", "NO_COLOR", "COLUMNS", "LINES")
"""Variables that say what this terminal would be, if it were another."""


class Terminal:
    """Enough of one for what Textual writes: text, and where it goes."""

    def __init__(
        self, command: Sequence[str], size: tuple[int, int] = (80, 24), environment: Mapping[str, str] | None = None
    ) -> None:
        self.size = size
        self.written = b""
        """Every byte so far."""
        self._rest = ""
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._lines = [[" "] * size[0] for _ in range(size[1])]
        self._column = self._row = 0
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_OTHERS)}
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})},
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join("".join(line).rstrip() for line in self._lines)

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def read(self, seconds: float = 0.05) -> bool:
        """What there is within so many seconds; False when the program has closed the terminal."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:  # EIO: nobody has the other end
            return False
        self.written += data
        self._take(self._decode(data))
        return bool(data)

    def see(self, text: str, patience: float = 30.0) -> None:
        """Waits until it stands there."""
        deadline = time.monotonic() + patience
        while text not in self.text:
            assert self.read() or text in self.text, f"the program has ended:\n{self.text}"
            assert time.monotonic() < deadline, f"“{text}” does not come:\n{self.text}"

    def hang_up(self) -> None:
        """The terminal is gone."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def wait(self, patience: float = 30.0) -> int:
        """The exit status, when the program has ended by itself."""
        deadline = time.monotonic() + patience
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.master < 0 or not self.read():
                time.sleep(0.01)
        while self.master >= 0 and select.select([self.master], [], [], 0)[0] and self.read():
            pass
        assert self.process.returncode is not None, f"it goes on:\n{self.text}"
        return self.process.returncode

    def _take(self, data: str) -> None:
        """What is cut off at the end of a piece is kept for the next."""
        data, self._rest = self._rest + data, ""
        cut = data.rfind("\x1b")
        if cut >= 0 and _PIECE.match(data, cut) is None and len(data) - cut < 4096:
            data, self._rest = data[:cut], data[cut:]
        for piece in _PIECE.finditer(data):
            if text := piece["text"]:
                self._put(text)
            elif piece["command"]:
                self._obey(piece["command"], piece["arguments"])
            elif piece["control"] == "\r":
                self._column = 0
            elif piece["control"] == "\n":
                self._row = min(self._row + 1, self.size[1] - 1)

    def _put(self, text: str) -> None:
        for one in text:
            if self._column < self.size[0]:
                self._lines[self._row][self._column] = one
            self._column += max(cell_len(one), 0)

    def _obey(self, command: str, arguments: str) -> None:
        match command:
            case "H":
                row, _, column = arguments.partition(";")
                self._row = min(int(row or 1), self.size[1]) - 1
                self._column = min(int(column or 1), self.size[0]) - 1
            case "J":
                self._lines = [[" "] * self.size[0] for _ in range(self.size[1])]
