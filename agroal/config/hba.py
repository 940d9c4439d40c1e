"""The hba file: who may come in from where, and how they prove who they are.

    TYPE DATABASE USER ADDRESS METHOD [OPTIONS]

as in PostgreSQL (manual, chapter “The pg_hba.conf File”). What PostgreSQL knows and agroal does not (roles with +,
regular expressions with /, files with @, host names, other options) is a problem rather than a name that never matches:
a `reject` that matches nobody would let everybody in.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeVar

from agroal.config.model import ClientCert, HbaLine, HbaType, Method, Name, Network, Scope
from agroal.config.report import Report
from agroal.config.tables import Cell, Row, Word, rows

E = TypeVar("E", HbaType, Method)

KEYWORDS = ("all", "sameuser", "replication")
"""Words that a column may hold instead of a name; of these, USER knows only `all`."""

_OTHER_DATABASE_WORDS = ("samerole", "samegroup")
_MARKS = {"+": "a role's members (+)", "/": "a regular expression (/)", "@": "a file of names (@)"}
_COLUMNS = "TYPE DATABASE USER ADDRESS METHOD"


def read_hba(
    text: str, report: Report, *, tls: bool, certificates: bool = False, maps: Container[str] = ()
) -> tuple[HbaLine, ...]:
    """The lines in their order, without those that have a problem.

    What lines of this file depend on: `tls` is on, clients must show `certificates` (there is a tls_ca_file), and the
    `maps` of the ident file.
    """
    before = len(report.problems)
    lines = tuple(line for row in rows(text, report) if (line := _Line(row, report).read()))
    for line in lines:
        if needing := _needing_certificate(line):
            if not (tls and certificates):
                missing = "tls_ca_file" if tls else "tls = on"
                report.problem(line.line, "METHOD", f"{needing} needs {missing} in the main section")
        elif line.type is HbaType.HOSTSSL and not tls:
            report.notice(line.line, "TYPE", "hostssl never matches while tls is off")
        if line.map and line.map not in maps:
            report.notice(line.line, "METHOD", f"map {line.map!r} is not in the ident file: nobody can come in")
    if not lines and len(report.problems) == before:
        report.notice(0, "", "has no lines: nobody can come in")
    return lines


def _needing_certificate(line: HbaLine) -> str:
    """What in the line needs a client's certificate; empty if nothing does."""
    if line.method is Method.CERT:
        return line.method
    return f"clientcert={line.clientcert}" if line.clientcert else ""


class _Line:
    """Reads one row. Each column reports its own problem, so that one line can have several."""

    def __init__(self, row: Row, report: Report) -> None:
        self._row = row
        self._report = report

    def read(self) -> HbaLine | None:
        before = len(self._report.problems)
        cells = self._row.cells
        type_ = self._member("TYPE", cells[0], HbaType)
        if type_ is None:
            return None
        columns = _COLUMNS.replace(" ADDRESS", "") if type_ is HbaType.LOCAL else _COLUMNS
        if len(cells) < len(columns.split()):
            self._problem("", f"has {len(cells)} columns; expected {columns}")
            return None
        databases = self._names("DATABASE", cells[1], KEYWORDS)
        users = self._names("USER", cells[2], ("all",))
        address, rest = (None, cells[3:]) if type_ is HbaType.LOCAL else self._address(cells[3:])
        method = self._method(rest)
        if method is None:
            return None
        options = _Options(self._row.line, type_, method, self._report)
        for cell in rest[1:]:
            options.read(cell)
        if len(self._report.problems) > before:
            return None
        line = HbaLine(self._report.file, self._row.line, type_, databases, users, address, method)
        return replace(line, clientcert=options.clientcert, map=options.map)

    def _problem(self, column: str, message: str) -> None:
        self._report.problem(self._row.line, column, message)

    def _single(self, column: str, cell: Cell) -> Word | None:
        if cell.joints:
            self._problem(column, "has a list; expected one word")
            return None
        return cell.words[0]

    def _member(self, column: str, cell: Cell, choices: type[E]) -> E | None:
        word = self._single(column, cell)
        if word is None:
            return None
        try:
            return choices(word.text.lower())
        except ValueError:
            self._problem(column, f"expected one of {', '.join(choices)}, not {word.text!r}")
            return None

    def _names(self, column: str, cell: Cell, keywords: tuple[str, ...]) -> tuple[Name, ...]:
        for word in cell.words:
            if word.quoted:
                continue
            if word.text[0] in _MARKS:
                self._problem(column, f"{_MARKS[word.text[0]]} is not supported: {word.text!r}; expected names")
            elif column == "DATABASE" and word.text in _OTHER_DATABASE_WORDS:
                self._problem(column, f"{word.text} is not supported; expected names or one of {', '.join(keywords)}")
        return tuple(Name(word.text, not word.quoted and word.text in keywords) for word in cell.words)

    def _address(self, cells: tuple[Cell, ...]) -> tuple[Network | Scope | None, tuple[Cell, ...]]:
        """The address, and the cells after it. A mask may stand in a column of its own."""
        word, rest = self._single("ADDRESS", cells[0]), cells[1:]
        if word is None:
            return None, rest
        if not word.quoted and word.text in tuple(Scope):
            return Scope(word.text), rest
        mask = None if "/" in word.text or not rest else _ip(rest[0].words[0].text)
        try:
            return _network(word.text, mask), rest[1:] if mask else rest
        except ValueError as error:
            self._problem("ADDRESS", f"{error}, not {word.text!r}")
            return None, rest[1:] if mask else rest

    def _method(self, cells: tuple[Cell, ...]) -> Method | None:
        if not cells:
            self._problem("METHOD", f"is missing; expected one of {', '.join(Method)}")
            return None
        return self._member("METHOD", cells[0], Method)


class _Options:
    """Reads what stands behind the method."""

    def __init__(self, line: int, type_: HbaType, method: Method, report: Report) -> None:
        self._line = line
        self._method = method
        self._report = report
        self._encrypted = type_ is HbaType.HOSTSSL
        self._given: set[str] = set()
        self.clientcert = ClientCert.OFF
        self.map = ""
        if method is Method.CERT and not self._encrypted:
            self._problem(f"cert is only for {HbaType.HOSTSSL}: without TLS there is no certificate")

    def read(self, cell: Cell) -> None:
        """`name=value`. Quotes may stand around all of it, or around the value."""
        text = cell.words[0].text
        name, _, value = text.partition("=")
        if name in self._given:
            self._problem(f"{name} is given twice")
        self._given.add(name)
        match name:
            case _ if cell.joints or not value:
                self._problem(f"is followed by {text!r}; expected options such as map=NAME")
            case "map":
                self._read_map(value)
            case "clientcert":
                self._read_clientcert(value)
            case _:
                self._problem(f"is followed by {text!r}; expected no options but map=NAME and clientcert=…")

    def _read_map(self, value: str) -> None:
        if self._method is not Method.CERT:
            self._problem(f"map is only for the method {Method.CERT}")
        self.map = value

    def _read_clientcert(self, value: str) -> None:
        """What `cert` itself wants is more: this option adds nothing to it, and may not take anything away."""
        known = [ClientCert.VERIFY_FULL] if self._method is Method.CERT else [*ClientCert][1:]
        if not self._encrypted:
            self._problem(f"clientcert is only for {HbaType.HOSTSSL}: without TLS there is no certificate")
        if value not in known:
            self._problem(f"clientcert: expected {' or '.join(known)}, not {value!r}")
        elif self._method is not Method.CERT:
            self.clientcert = ClientCert(value)

    def _problem(self, message: str) -> None:
        self._report.problem(self._line, "METHOD", message)


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _network(text: str, mask: IPv4Address | IPv6Address | None) -> Network:
    """`10.0.0.0/8`, or `10.0.0.0` and a mask. Raises ValueError that says what was expected."""
    host, _, bits = text.partition("/")
    address = _ip(host)
    if address is None or "%" in host:
        networks = "a network such as 10.0.0.0/8 or fd00::/8, or all, samehost, samenet"
        raise ValueError(f"expected {networks} (host names are not supported)")
    if mask is not None:
        bits = _mask_bits(mask) if mask.version == address.version else ""
    if not re.fullmatch("[0-9]{1,3}", bits, re.ASCII) or int(bits) > address.max_prefixlen:
        raise ValueError(f"expected a prefix length from 0 to {address.max_prefixlen} after /, or a mask")
    if isinstance(address, IPv4Address):
        return IPv4Network((address, int(bits)), strict=False)
    return IPv6Network((address, int(bits)), strict=False)


def _mask_bits(mask: IPv4Address | IPv6Address) -> str:
    """The prefix length that a mask stands for; empty when its ones don't all come first."""
    zeros = int(mask) ^ ((1 << mask.max_prefixlen) - 1)
    return "" if zeros & (zeros + 1) else str(mask.max_prefixlen - zeros.bit_length())
