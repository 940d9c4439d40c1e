"""Who may come in: `auth_type` and the files of auth_hba_file and auth_ident_file become agroal_hba.conf.

Whoever PgBouncer keeps out must be kept out here, too: databases that are not in [databases] are in no line, and a line
whose method agroal does not have becomes `reject`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agroal.config.describe import hba_columns, ident_columns
from agroal.config.hba import read_hba
from agroal.config.ident import read_ident
from agroal.config.limits import ALL
from agroal.config.model import HbaLine, HbaType, Method, Name
from agroal.config.remote import ADMIN
from agroal.config.report import Report, read_text
from agroal.config.tables import Cell, quote, rows
from agroal.importing.bouncer_databases import ANY, Database
from agroal.importing.bouncer_settings import ENFORCED, Main
from agroal.importing.draft import Draft, Line, name_column
from agroal.importing.findings import Place
from agroal.importing.people import People

METHODS = {
    "trust": Method.TRUST,
    "any": Method.TRUST,
    "plain": Method.PASSWORD,
    "md5": Method.MD5,
    "scram-sha-256": Method.SCRAM_SHA_256,
    "cert": Method.CERT,
    "pam": Method.ALL,
    "ldap": Method.ALL,
}
"""By auth_type, what the lines say; `hba` has a file instead."""

OPEN = {
    "any": "agroal does not replace users' names: clients have to come in as the user that PostgreSQL knows.",
    "pam": "agroal has no PAM: PostgreSQL judges those who are not in the vault, and their connections are not kept.",
    "ldap": "agroal has no LDAP: PostgreSQL judges those who are not in the vault, and their connections are not kept.",
}
"""By auth_type, those with which others than those of the auth_file may come in, and what is said of them."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """Writes the lines of one daemon."""

    main: Main
    directory: Path
    tls: str
    """client_tls_sslmode in force"""
    draft: Draft

    def write(self, databases: Sequence[Database], people: People) -> None:
        method = self.main.text("auth_type").lower()
        place = self.main.place("auth_type")
        if method in OPEN:
            self.main.findings.human(place, self.main.shown("auth_type"), OPEN[method])
        lets_strangers_try = method in OPEN or bool(people.without)
        self.draft.put("allow_unknown_users", "on" if lets_strangers_try else "off", self.main.shown("auth_type"))
        names = [] if any(d.name == ANY for d in databases) else [d.name for d in databases]
        if names and self.draft.admins:
            self._console()
        if method == "hba" and self.main.given("auth_hba_file"):
            self._ident()
            self._hba(names)
            return
        if method not in METHODS:
            self.main.findings.human(place, self.main.shown("auth_type"), f"{Method.SCRAM_SHA_256} is used instead.")
        users = [*people.secrets, *people.without] if people.without else []
        self._lines(METHODS.get(method, Method.SCRAM_SHA_256), name_column(names), name_column(users))

    def _console(self) -> None:
        """For admins: they are not among the databases, as PgBouncer's console is not."""
        users = name_column(list(self.draft.admins))
        starts = [("local", "")] if self._has_directory else []
        if self.main.given("listen_addr"):
            starts.append(("hostssl" if self.tls in ENFORCED else "host", "  all"))
        for start, address in starts:
            text = f"{start}  {ADMIN}  {users}{address}  {Method.SCRAM_SHA_256}"
            self.draft.hba.append(Line(text, "admin_users, stats_users: the console and remote management"))

    def _lines(self, method: Method, databases: str, users: str) -> None:
        certified = "tls_ca_file" in self.draft.settings
        if method is Method.CERT and not certified:
            says = "cert needs client_tls_sslmode = verify-full and client_tls_ca_file: nobody can come in over TCP."
            self.main.findings.human(self.main.place("auth_type"), self.main.shown("auth_type"), says)
            method = Method.REJECT
        comment = self.main.shown("auth_type")
        if self._has_directory and method is not Method.CERT:
            self.draft.hba.append(Line(f"local  {databases}  {users}  {method}", comment))
        type_ = "hostssl" if self.tls in ENFORCED or method is Method.CERT else "host"
        if self.main.given("listen_addr"):
            self.draft.hba.append(Line(f"{type_}  {databases}  {users}  all  {method}", comment))

    @property
    def _has_directory(self) -> bool:
        directory = self.main.text("unix_socket_dir")
        return bool(directory) and not directory.startswith("@")

    def _ident(self) -> None:
        if not self.main.given("auth_ident_file"):
            return
        path = self.directory / self.main.text("auth_ident_file")
        report = Report(str(path))
        for line in read_ident(read_text(path, "", report) or "", report):
            self.draft.ident.append(Line("  ".join(ident_columns(line)), f"{path}:{line.line}"))
        for problem in report.problems:
            says = f"{problem.message}. The line was left out."
            self.main.findings.human(Place(problem.file, problem.line), "auth_ident_file", says)

    def _hba(self, names: list[str]) -> None:
        path = self.directory / self.main.text("auth_hba_file")
        report = Report(str(path))
        text = read_text(path, "", report) or ""
        for number, raw in enumerate(text.split("\n"), start=1):
            self._hba_line(raw.strip(), Place(str(path), number), names)
        for problem in report.problems:
            says = f"{problem.message}. Nobody can come in."
            self.main.findings.human(Place(problem.file, problem.line), "auth_hba_file", says)

    def _hba_line(self, raw: str, place: Place, names: list[str]) -> None:
        found = next(iter(rows(raw, Report(""))), None)
        if found is None:
            if raw and raw[0] not in "#;":
                self.main.findings.human(place, raw, "the line is not understood. It was left out.")
            return
        line, why = self._read(raw)
        if line is None:
            line = next((reject for text in _rejecting(found.cells) if (reject := self._read(text)[0])), None)
            became = "reject" if line else "nothing"
            self.main.findings.human(place, raw, f"{why}. It became {became}.", became=became)
        line = line and _restricted(line, names)
        if line is None:
            return
        if self.tls in ENFORCED and line.type is HbaType.HOST:
            line = replace(line, type=HbaType.HOSTSSL)
        self.draft.hba.append(Line("  ".join(hba_columns(line)), f"{place}: {raw}"))

    def _read(self, text: str) -> tuple[HbaLine | None, str]:
        """What agroal makes of a line, and what it has against it."""
        report = Report("")
        settings = self.draft.settings
        maps = {line.text.split()[0] for line in self.draft.ident}
        found = read_hba(text, report, tls="tls" in settings, certificates="tls_ca_file" in settings, maps=maps)
        problems = [problem.message for problem in report.problems]
        return (None if problems or not found else found[0]), "; ".join(problems)


def _restricted(line: HbaLine, names: list[str]) -> HbaLine | None:
    """The line for no other databases than those of [databases]; None if it is about none of them."""
    if not names:
        return line
    wanted = tuple(dict.fromkeys(chosen for name in line.databases for chosen in _chosen(name, names)))
    return replace(line, databases=wanted) if wanted else None


def _chosen(name: Name, names: list[str]) -> Iterator[Name]:
    if name.keyword and name.text == ALL:
        yield from map(Name, names)
    elif name.keyword or name.text in names:
        yield name


def _rejecting(cells: tuple[Cell, ...]) -> Iterator[str]:
    """The line with the method `reject` in the place of its own, which comes after the address and its mask."""
    texts = [",".join(quote(word.text, always=word.quoted) for word in cell.words) for cell in cells]
    for columns in (3,) if texts[0].lower() == "local" else (4, 5):
        yield "  ".join([*texts[:columns], "reject"])
