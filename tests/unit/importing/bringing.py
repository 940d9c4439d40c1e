"""Imports for tests: the files are written, imported with a master key, and loaded as the daemon would load them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agroal.config.limits import read_limits
from agroal.config.model import Configuration
from agroal.config.report import Report
from agroal.daemon.files import Secrets, read
from agroal.importing.command import Imported, Origin, Wish, run
from agroal.importing.findings import Finding, Outcome
from tests.unit.test_admin import MASTER_FILE


@dataclass(frozen=True)
class Brought:
    """What came of an import."""

    imported: Imported
    directory: Path
    environment: Mapping[str, str]

    def load(self, name: str = "") -> tuple[Configuration, Secrets]:
        """The files of one daemon, as it reads them."""
        return read({}, self.directory / name, self.environment)

    @property
    def configuration(self) -> Configuration:
        return self.load()[0]

    @property
    def secrets(self) -> Secrets:
        return self.load()[1]

    @property
    def limits(self) -> list[str]:
        """The lines of the databases file, without comments."""
        return rows(self.text("agroal_databases.conf"))

    @property
    def hba(self) -> list[str]:
        return rows(self.text("agroal_hba.conf"))

    def text(self, name: str) -> str:
        return (self.directory / name).read_text()

    def said(self, *words: str) -> list[Finding]:
        """The findings that have all of these words in them."""
        return [finding for finding in self.imported.findings.all if all(word in told(finding) for word in words)]

    def human(self, *words: str) -> list[Finding]:
        return [finding for finding in self.said(*words) if finding.outcome is Outcome.HUMAN]


def told(finding: Finding) -> str:
    return f"{finding.place}: {finding.what} → {finding.became}: {finding.says}"


def rows(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line and not line.startswith("#")]


class Bringer:
    """Writes files into a directory, and imports from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        key = folder / "key" / "master.key"
        key.parent.mkdir(mode=0o700)
        key.write_text(MASTER_FILE)
        key.chmod(0o600)
        self.key = key
        self.environment = {"AGROAL_MASTER_KEY_FILE": str(key), "HOME": str(folder)}

    def bouncer(
        self, databases: str, main: str = "", *, people: str = "", users: str = "", force: bool = False, **files: str
    ) -> Brought:
        """`files`: others beside pgbouncer.ini, an underscore for the dot in their names."""
        listed = f"auth_file = {self.write('userlist.txt', people)}\n" if people else ""
        for name, text in files.items():
            self.write(name.replace("_", ".", 1), text)
        where = f"unix_socket_dir = {self.folder}\nlisten_addr = 127.0.0.1\n"
        ini = f"[databases]\n{databases}\n[users]\n{users}\n[pgbouncer]\n{where}{listed}{main}\n"
        return self.run(self.write("pgbouncer.ini", ini), force=force)

    def run(self, file: Path, **wish: object) -> Brought:
        out = self.folder / "out"
        imported = run(Wish(file, out, **wish), self.environment, os.urandom)  # type: ignore[arg-type]
        return Brought(imported, out, self.environment)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


def sizes(brought: Brought) -> int:
    """What the databases file adds up to."""
    report = Report("")
    return sum(limit.max_size for limit in read_limits(brought.text("agroal_databases.conf"), report, 10_000))


__all__ = ("Bringer", "Brought", "Origin", "rows", "sizes")
