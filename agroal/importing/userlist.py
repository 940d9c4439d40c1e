"""PgBouncer's auth_file: a line is `"name" "secret"`, and two double quotes inside stand for one.

A secret is a password, an md5 hash or a SCRAM verifier; nothing (`""`) when the user has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from agroal.config.report import Report

_LINE = re.compile(r'"(?P<name>(?:[^"]|"")*)"\s*"(?P<secret>(?:[^"]|"")*)".*')


@dataclass(frozen=True, slots=True)
class Listed:
    name: str
    secret: str = field(repr=False)
    line: int


def read_userlist(text: str, report: Report) -> Iterator[Listed]:
    """Those that can be read; PgBouncer stops at the first line that can't."""
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip()
        if not line or line[0] in ";#":
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            report.problem(number, "", 'is not understood; expected "name" "secret"')
        else:
            name, secret = (match[part].replace('""', '"') for part in ("name", "secret"))
            yield Listed(name, secret, number)
