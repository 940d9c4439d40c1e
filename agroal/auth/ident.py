"""Which users the holder of a certificate may be (PostgreSQL manual, chapter “User Name Maps”).

Any line of the map that pairs the name in the certificate with the user is enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from agroal.config.ident import CAPTURED
from agroal.config.model import HbaLine, IdentLine

MAX_NAME = 256
"""Characters that are matched against a regular expression. A common name has at most 64 (X.520), a user 63."""


def common_name(certificate: Mapping[str, Any]) -> str | None:
    """Of a certificate as `SSLSocket.getpeercert` shows it; None where there is not exactly one."""
    subject: tuple[tuple[tuple[str, str], ...], ...] = certificate.get("subject", ())
    names = [value for part in subject for key, value in part if key == "commonName"]
    return names[0] if len(names) == 1 else None


@dataclass(frozen=True, slots=True)
class Usermap:
    """One map: the lines with its name. One that has none lets nobody in."""

    lines: tuple[IdentLine, ...]

    @classmethod
    def of(cls, line: HbaLine, lines: Iterable[IdentLine]) -> Self | None:
        """The map that an HBA line names; None when it names none."""
        return cls(tuple(each for each in lines if each.map == line.map)) if line.map else None

    def lets(self, certified: str, user: str) -> bool:
        """Whether the holder of a certificate with this common name may come in as this user."""
        if not all(0 < len(name) <= MAX_NAME and name.isprintable() for name in (certified, user)):
            return False  # a line break, say, would pass for the end of the name, where the expression has a $
        return any(_pairs(line, certified, user) for line in self.lines)


def _pairs(line: IdentLine, certified: str, user: str) -> bool:
    found = None
    if isinstance(line.system, re.Pattern):
        found = line.system.search(certified)
        if not found:
            return False
    elif line.system != certified:
        return False
    if isinstance(line.user, re.Pattern):
        return line.user.search(user) is not None
    if line.user.keyword:
        return True
    if not found or CAPTURED not in line.user.text:
        return line.user.text == user
    captured: str | None = found[1]
    return captured is not None and line.user.text.replace(CAPTURED, captured, 1) == user
