"""`agroal-admin import`: from the file that is given to files, findings, and a report of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from agroal.auth import vault
from agroal.auth.vault import MasterKey
from agroal.config.report import Report, read_text
from agroal.errors import ConfigurationError, Problem, VaultError
from agroal.importing import bouncer, pgagroal, show, writing
from agroal.importing.draft import Draft
from agroal.importing.findings import Findings, Outcome, Place


class Origin(StrEnum):
    """Whose file it is."""

    PGBOUNCER = "pgbouncer"
    PGAGROAL = "pgagroal"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says."""

    file: Path
    directory: Path
    origin: Origin | None = None
    """None: what the file looks like."""
    source_key: Path | None = None
    """pgagroal's master key."""
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it."""

    origin: Origin
    files: tuple[str, ...]
    """Written, or what would be."""
    texts: Mapping[str, str]
    """Of those without secrets."""
    findings: Findings


def run(wish: Wish, environment: Mapping[str, str], token: Callable[[int], bytes]) -> Imported:
    """Raises ConfigurationError, VaultError, OSError; then nothing was written."""
    origin = wish.origin or detect(wish.file)
    findings = Findings()
    if origin is Origin.PGBOUNCER:
        drafts = bouncer.read(wish.file, findings)
    else:
        drafts = pgagroal.read(wish.file, findings, _old_key(wish, environment), environment)
    if wish.dry_run:
        return _imported(wish, origin, drafts, findings)
    if not wish.force:
        writing.refuse_to_overwrite(drafts, wish.directory)
    master = _new_key(wish, drafts, environment, findings)
    imported = _imported(wish, origin, drafts, findings)
    for draft in drafts:
        writing.write(draft, wish.directory, wish.file, master, token)
    for draft in drafts:
        for problem in writing.check(draft, wish.directory, environment):
            findings.human(Place(str(wish.directory / draft.name)), "agroal --check", problem)
    report = show.as_markdown(findings, wish.file, imported.files)
    (wish.directory / writing.REPORT).write_text(report, "utf-8")
    return imported


def detect(file: Path) -> Origin:
    """By the names of its sections. Raises ConfigurationError when they tell nothing."""
    report = Report(str(file))
    text = read_text(file, "", report)
    if text is None:
        raise ConfigurationError(report.problems)
    names = set(re.findall(r"^\s*\[([^\]\n]*)\]", text, re.MULTILINE))
    if "pgagroal" in names:
        return Origin.PGAGROAL
    if names & {"pgbouncer", "databases"}:
        return Origin.PGBOUNCER
    what = "is agroal's own file already" if "agroal" in names else "has neither [pgbouncer] nor [pgagroal]"
    raise ConfigurationError([Problem(str(file), 0, "", f"{what}; --from pgbouncer|pgagroal says whose it is")])


def summary(imported: Imported, wish: Wish) -> str:
    """For people, after the findings."""
    lines = [*show.as_text(imported.findings)]
    if wish.dry_run:
        lines += [part for name, text in imported.texts.items() for part in (f"--- {name}", text)]
        lines += [f"--- {name}: encrypted" for name in imported.files if name not in imported.texts]
        lines.append("Nothing was written.")
    else:
        lines += [f"wrote {wish.directory / name}" for name in (*imported.files, writing.REPORT)]
    if needing := len(list(imported.findings.of(Outcome.HUMAN))):
        lines.append(f"{needing} of the findings above need you: see “{Outcome.HUMAN}”.")
    return "\n".join(lines)


def _imported(wish: Wish, origin: Origin, drafts: Sequence[Draft], findings: Findings) -> Imported:
    texts: dict[str, str] = {}
    files: list[str] = []
    for draft in drafts:
        new = {str(Path(draft.name) / name): text for name, text in writing.texts(draft, wish.file).items()}
        texts |= new
        files += [*new, *(str(Path(draft.name) / f"agroal{suffix}.conf") for suffix in draft.vaults)]
    return Imported(origin, tuple(files), texts, findings)


def _new_key(
    wish: Wish, drafts: Sequence[Draft], environment: Mapping[str, str], findings: Findings
) -> MasterKey | None:
    """agroal's own. Without it the files of users are left out, and how to get them is said."""
    if not any(draft.vaults for draft in drafts):
        return None
    path = vault.master_key_path(environment)
    try:
        return MasterKey.load(path)
    except VaultError as error:
        for draft in drafts:
            who = ", ".join(dict.fromkeys(name for users in draft.vaults.values() for name in users))
            left_out = ", ".join(writing.without_vaults(draft))
            also = f" Left out with them: {left_out}." if left_out else ""
            says = f"{error}. Then import once more with --force; or add them one by one: agroal-admin user add.{also}"
            findings.human(Place(str(wish.directory / draft.name)), f"users {who}: not written", says)
        return None


def _old_key(wish: Wish, environment: Mapping[str, str]) -> MasterKey | None:
    """pgagroal's: the one that is named has to be there, the others are looked for. Raises VaultError."""
    if wish.source_key:
        return MasterKey.load(wish.source_key)
    places = Path("~/.pgagroal/master.key").expanduser(), vault.master_key_path(environment)
    there = next((path for path in places if path.exists()), None)
    return MasterKey.load(there) if there else None
