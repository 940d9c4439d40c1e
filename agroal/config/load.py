"""Finds the configuration files and makes a Configuration of them, or says everything that is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agroal.config.hba import read_hba
from agroal.config.ident import read_ident
from agroal.config.limits import read_limits
from agroal.config.model import Configuration, Files, HbaLine, IdentLine, LimitLine
from agroal.config.remote import check_remote
from agroal.config.report import Report, read_bytes, read_text
from agroal.config.sections import MainFile, read_main
from agroal.errors import ConfigurationError, Problem

DEFAULT_DIRECTORY = Path("/etc/agroal")
DIRECTORY_VARIABLE = "AGROAL_CONFIG_DIR"


@dataclass(frozen=True, slots=True)
class Role:
    """One of the files, and the flag that names it."""

    name: str
    """The field of Files."""
    flag: str
    option: str
    suffix: str
    doc: str
    mandatory: bool = False
    encrypted: bool = False

    def filename(self, family: str) -> str:
        return f"{family}{self.suffix}.conf"


ROLES = (
    Role("main", "-c", "--config", "", "settings and servers", mandatory=True),
    Role("hba", "-a", "--hba", "_hba", "who may come in, from where, and how", mandatory=True),
    Role("ident", "-i", "--ident", "_ident", "which users a certificate stands for"),
    Role("limits", "-l", "--limit", "_databases", "limits and aliases of databases"),
    Role("users", "-u", "--users", "_users", "the vault of users", encrypted=True),
    Role(
        "frontend_users",
        "-F",
        "--frontend",
        "_frontend_users",
        "passwords of clients",
        encrypted=True,
    ),
    Role("admins", "-A", "--admins", "_admins", "who may administer agroal over the network", encrypted=True),
    Role(
        "superuser",
        "-S",
        "--superuser",
        "_superuser",
        "who asks for secrets (auth_query)",
        encrypted=True,
    ),
)


def locate(
    flags: Mapping[str, Path | None], directory: Path | None = None, environ: Mapping[str, str] | None = None
) -> Files:
    """Where each file is: its own flag, else -D, else AGROAL_CONFIG_DIR, else /etc/agroal.

    `flags` is by the name of a role; `directory` is the value of -D. A directory with none of agroal's files, but with
    files of pgagroal, is a directory of pgagroal. An optional file that no flag names is None when it is not there.
    """
    environ = os.environ if environ is None else environ
    if directory is not None:
        origin = f"because of -D {directory}"
    elif from_environment := environ.get(DIRECTORY_VARIABLE):
        directory, origin = Path(from_environment), f"because of {DIRECTORY_VARIABLE}={from_environment}"
    else:
        directory, origin = DEFAULT_DIRECTORY, "the default place; -D names another"
    family = _family(directory)
    paths: dict[str, Path] = {}
    origins: dict[str, str] = {}
    for role in ROLES:
        named = flags.get(role.name)
        path = named if named is not None else directory / role.filename(family)
        if named is not None or role.mandatory or os.path.lexists(path):
            paths[role.name] = path
            origins[role.name] = f"because of {role.flag}" if named is not None else origin
    return Files(**paths, origins=origins)


def _family(directory: Path) -> str:
    """How the names of the files in a directory begin. Never a mixture: left-overs of pgagroal must not count."""

    def present(family: str) -> bool:
        return any(os.path.lexists(directory / role.filename(family)) for role in ROLES)

    return "pgagroal" if present("pgagroal") and not present("agroal") else "agroal"


def load(files: Files, environ: Mapping[str, str] | None = None) -> Configuration:
    """Reads and checks all files. Raises ConfigurationError with every problem of every file."""
    environ = os.environ if environ is None else environ
    main = MainFile()
    hba: tuple[HbaLine, ...] = ()
    ident: tuple[IdentLine, ...] = ()
    limits: tuple[LimitLine, ...] = ()
    texts = (main_report, hba_report, ident_report, limits_report) = tuple(
        Report(str(path)) for path in (files.main, files.hba, files.ident, files.limits)
    )
    if (text := _text(files, "main", main_report)) is not None:
        main = read_main(text, main_report, environ)
    if (text := _text(files, "ident", ident_report)) is not None:
        ident = read_ident(text, ident_report)
    if (text := _text(files, "hba", hba_report)) is not None:
        known = main.settings  # where it can't be had, what would need it is no reason to complain
        tls, certificates = known is None or known.tls, known is None or known.tls_ca_file is not None
        maps = {line.map for line in ident}
        hba = read_hba(text, hba_report, tls=tls, certificates=certificates, maps=maps)
    if (text := _text(files, "limits", limits_report)) is not None:
        limits = read_limits(text, limits_report, main.max_connections)
    if main.settings:
        check_remote(main.settings, hba, files, main_report, hba_report)
    reports = [*texts, *_check_encrypted(files)]
    problems = [problem for report in reports for problem in sorted(report.problems, key=_line)]
    if problems or main.settings is None:
        raise ConfigurationError(problems)
    notices = tuple(notice for report in reports for notice in sorted(report.notices, key=_line))
    return Configuration(main.settings, tuple(main.servers), hba, limits, files, notices, main.origins, ident)


def _text(files: Files, name: str, report: Report) -> str | None:
    path = getattr(files, name)
    return None if path is None else read_text(path, files.origins.get(name, ""), report)


def _check_encrypted(files: Files) -> Iterator[Report]:
    """The encrypted files are decrypted where the master key is. Here they have to be there and readable."""
    for role in ROLES:
        path = getattr(files, role.name) if role.encrypted else None
        if path is None:
            continue
        report = Report(str(path))
        read_bytes(path, files.origins.get(role.name, ""), report)
        yield report


def _line(problem: Problem) -> int:
    return problem.line
