"""What the reading of one file has to tell, and the reading itself."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG

from agroal.errors import Problem


@dataclass(frozen=True, slots=True)
class Report:
    """Collects what is wrong with a file, so that all of it can be said at once."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)

    def problem(self, line: int, key: str, message: str) -> None:
        """Something that keeps us from starting. `line` 0 is the file as a whole."""
        self.problems.append(Problem(self.file, line, key, message))

    def notice(self, line: int, key: str, message: str) -> None:
        """Something that should be known, and that we can live with."""
        self.notices.append(Problem(self.file, line, key, message))


def read_bytes(path: Path, origin: str, report: Report) -> bytes | None:
    """The content of a regular file; None, and a problem, when there is none to be had.

    `origin` tells what made us look there, in words for the message.
    """
    because = f" ({origin})" if origin else ""
    try:
        if not S_ISREG(path.stat().st_mode):
            what = "is a directory" if path.is_dir() else "is not a regular file"
            report.problem(0, "", f"{what}; expected a file{because}")
            return None
        return path.read_bytes()
    except FileNotFoundError:
        missing = "no such file" if path.parent.is_dir() else f"there is no directory {path.parent}"
        report.problem(0, "", f"{missing}{because}")
    except OSError as error:
        report.problem(0, "", f"can't be read: {error.strerror}{because}")
    return None


def read_text(path: Path, origin: str, report: Report) -> str | None:
    """The text of a file: UTF-8 without NUL; a byte order mark is dropped. None, and a problem, when there is none."""
    data = read_bytes(path, origin, report)
    if data is None:
        return None
    if (nul := data.find(b"\0")) >= 0:
        report.problem(_line_at(data, nul), "", "contains a NUL byte; expected text")
        return None
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = f"byte 0x{error.object[error.start]:02x} is not UTF-8; expected text in UTF-8"
        report.problem(_line_at(error.object, error.start), "", wrong)
        return None


def _line_at(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1
