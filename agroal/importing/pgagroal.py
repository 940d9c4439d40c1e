"""pgagroal.conf and the files beside it: they load as they are, so they are rewritten, with what has changed said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import chain
from pathlib import Path

from agroal.auth import vault
from agroal.auth.vault import MasterKey
from agroal.config import ini
from agroal.config.describe import hba_columns
from agroal.config.hba import read_hba
from agroal.config.ini import Entry, unique
from agroal.config.keys import Key, Support
from agroal.config.limits import read_limits
from agroal.config.load import ROLES
from agroal.config.report import Report, read_text
from agroal.config.sections import ALSO_MAIN, MAIN
from agroal.config.servers import SERVER_KEYS
from agroal.config.settings import KEYS
from agroal.errors import ConfigurationError, Problem, VaultError
from agroal.importing.draft import Draft, Limit, Line, Server
from agroal.importing.findings import Findings, Outcome, Place

OTHERWISE: Mapping[str, str] = {
    "connection_retry_delay": "the first pause after a connect that failed; it grows. In pgagroal it is the longest.",
    "blocking_timeout": "0 refuses at once, in every pipeline. Clients wait in turn.",
    "pipeline": "auto is session; performance goes with TLS, too.",
    "max_connection_age": "counts in the transaction pipeline, too.",
    "idle_timeout": "counts in the transaction pipeline, too.",
    "auth_query": "the query is agroal's own, bound and not pasted: nobody has to create a function.",
    "server_reset_query_behavior_on_failure": "a server that is not clean is never handed on.",
}
"""What a key means here, where that is not quite what it means in pgagroal."""

_VAULTS = ("users", "frontend_users", "admins", "superuser")


def read(path: Path, findings: Findings, master: MasterKey | None, environment: Mapping[str, str]) -> list[Draft]:
    """`master`: pgagroal's master key; without it the files of users are told. Raises ConfigurationError."""
    report = Report(str(path))
    text = read_text(path, "", report)
    sections = ini.parse(text or "", report)
    mains = [section for section in sections if section.name in MAIN]
    if report.problems or not mains:
        raise ConfigurationError(report.problems or [Problem(str(path), 0, "", "has no section [pgagroal]")])
    draft = Draft(environment=environment)
    entries = chain.from_iterable(section.entries for section in sections if section.name in MAIN + ALSO_MAIN)
    _write(KEYS, entries, draft, findings, str(path))
    for section in sections:
        if section.name not in MAIN + ALSO_MAIN:
            draft.servers.append(server := Server(section.name, environment=environment))
            _write(SERVER_KEYS, section.entries, server, findings, str(path))
    _hba(path, draft, findings)
    _limits(path, draft, findings)
    _vaults(path, draft, findings, master)
    return [draft]


def beside(path: Path, role: str) -> Path:
    """The file of that role in the same directory."""
    (name,) = (one.filename("pgagroal") for one in ROLES if one.name == role)
    return path.parent / name


def _write(keys: tuple[Key, ...], entries: Iterable[Entry], to: Draft | Server, findings: Findings, file: str) -> None:
    """The entries that mean something, one by one; what became of each is told."""
    known = {key.name: key for key in keys}
    twice = Report(file)
    for entry in unique(entries, twice):
        place, what = Place(file, entry.line), f"{entry.key} = {entry.value}"
        key = known.get(entry.key)
        if key is None:
            near = get_close_matches(entry.key, known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            findings.human(place, what, f"unknown key; {hint}It was left out.")
        elif key.support is Support.NEVER:
            findings.add(Outcome.NEEDLESS, place, what, says=key.doc)
        else:
            _put(key, entry, to, findings, place)
    for problem in twice.problems:
        findings.human(Place(file, problem.line), problem.key, f"{problem.message}. It was left out.")


def _put(key: Key, entry: Entry, to: Draft | Server, findings: Findings, place: Place) -> None:
    what = f"{entry.key} = {entry.value}"
    try:
        to.put(key.name, entry.value, key.doc)
    except ValueError as error:
        findings.human(place, what, f"{error}. It was left out.")
        return
    if key.support is Support.LATER:
        findings.add(Outcome.WITHOUT, place, what, says=f"It {key.support.value}; the line is kept.", became=what)
    elif says := OTHERWISE.get(key.name):
        findings.add(Outcome.CHANGED, place, what, became=what, says=says)
    else:
        findings.add(Outcome.TAKEN, place, what, became=what)


def _hba(path: Path, draft: Draft, findings: Findings) -> None:
    file = beside(path, "hba")
    report = Report(str(file))
    text = read_text(file, "", report) or ""
    tls, certificates = "tls" in draft.settings, "tls_ca_file" in draft.settings
    for line in read_hba(text, report, tls=tls, certificates=certificates):
        columns = "  ".join(hba_columns(line))
        says = ""
        if line.address is not None and "/" in str(line.address):
            says = "The whole address counts; pgagroal rounds an IPv4 mask up to whole bytes."
        outcome = Outcome.CHANGED if says else Outcome.TAKEN
        findings.add(outcome, Place(str(file), line.line), columns, became=columns, says=says)
        draft.hba.append(Line(columns))
    for problem in report.problems:
        what = _line_of(text, problem.line)
        findings.human(Place(str(file), problem.line), what, f"{problem.message}. It rejects everybody instead.")
    if report.problems:
        # What stood there may have kept somebody out: only the lines before the first bad one can be trusted.
        first = min(problem.line for problem in report.problems)
        kept = read_hba(
            "\n".join(text.split("\n")[: max(first - 1, 0)]), Report(""), tls=tls, certificates=certificates
        )
        draft.hba = [Line("  ".join(hba_columns(line))) for line in kept]


def _limits(path: Path, draft: Draft, findings: Findings) -> None:
    file = beside(path, "limits")
    if not file.exists():
        return
    report = Report(str(file))
    text = read_text(file, "", report) or ""
    most = draft.settings.get("max_connections")
    limits = read_limits(text, report, int(most.text.rpartition(" ")[2]) if most else 100)
    bad = {problem.line for problem in report.problems}
    for limit in limits:
        if limit.line in bad:
            continue
        aliases = list(limit.aliases)
        made = Limit(limit.database, limit.user, limit.max_size, 0, aliases, limit.pipeline or "").line()
        sizes = f"  {limit.initial_size}  {limit.min_size}" if limit.initial_size else ""
        line = Line(made.text + sizes)
        findings.add(Outcome.TAKEN, Place(str(file), limit.line), _line_of(text, limit.line), became=line.text)
        draft.limits.append(line)
    for problem in [*report.problems, *report.notices]:
        left = " It was left out." if problem in report.problems else ""
        findings.human(Place(str(file), problem.line), _line_of(text, problem.line), f"{problem.message}.{left}")


def _vaults(path: Path, draft: Draft, findings: Findings, master: MasterKey | None) -> None:
    for role in _VAULTS:
        file = beside(path, role)
        if not file.exists():
            continue
        try:
            names = vault.list_users(file)
            users: dict[str, str] = vault.read_users(file, master) if master and names else {}
        except VaultError as error:
            findings.human(Place(str(file)), role, f"{error}. Add its users again: agroal-admin user add.")
            continue
        if names and not master:
            says = f"{', '.join(names)}: pgagroal's master key is needed (--source-key FILE); or add them again."
            findings.human(Place(str(file)), role, says)
        for name in users:
            findings.add(Outcome.TAKEN, Place(str(file)), name, became=f"agroal_{role}.conf")
        getattr(draft, role).update(users)


def _line_of(text: str, number: int) -> str:
    lines = text.split("\n")
    return lines[number - 1].strip() if 0 < number <= len(lines) else "the file"
