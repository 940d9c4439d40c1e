"""Writes drafts: all of their files or none, and none over a file that is there, unless that is wanted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from agroal.auth.vault import MasterKey, write_users
from agroal.config.load import ROLES
from agroal.daemon.files import read
from agroal.errors import AgroalError, VaultError
from agroal.importing.draft import Draft, Line
from agroal.management.neutral import neutral

REPORT = "import-report.md"

_TITLES = {
    "": "settings and servers",
    "_hba": "who may come in, from where, and how they prove who they are",
    "_ident": "who may be which user, by the common name in their certificate",
    "_databases": "limits and aliases of databases",
}
_COLUMNS = {
    "_hba": "TYPE  DATABASE  USER  ADDRESS  METHOD",
    "_ident": "MAPNAME  SYSTEM-USERNAME  DATABASE-USERNAME",
    "_databases": "DATABASE[=ALIAS,...]  USER  MAX_SIZE  INITIAL_SIZE  MIN_SIZE",
}
_NEED_VAULTS = ("auth_query", "monitors")
"""Keys for which somebody has to be in a file of users."""


def texts(draft: Draft, source: Path) -> dict[str, str]:
    """The files that hold no secrets, by name."""
    bodies: dict[str, Iterable[str]] = {"": _main(draft), "_hba": _commented(draft.hba)}
    if draft.ident:
        bodies["_ident"] = _commented(draft.ident)
    bodies["_databases"] = _commented(draft.limits)
    return {f"agroal{suffix}.conf": _text(suffix, body, source) for suffix, body in bodies.items()}


def without_vaults(draft: Draft) -> list[str]:
    """Leave out what can't be loaded without the files of users; what that is."""
    left_out = [draft.settings.pop(key).text for key in _NEED_VAULTS if key in draft.settings]
    for users in (draft.users, draft.frontend_users, draft.admins, draft.superuser):
        users.clear()
    return left_out


def places(drafts: Sequence[Draft], directory: Path) -> list[Path]:
    """All files that may be written."""
    names = [role.filename("agroal") for role in ROLES]
    return [directory / REPORT, *(directory / draft.name / name for draft in drafts for name in names)]


def refuse_to_overwrite(drafts: Sequence[Draft], directory: Path) -> None:
    """Raises FileExistsError that names the files."""
    there = [path for path in places(drafts, directory) if os.path.lexists(path)]
    if there:
        raise FileExistsError(
            f"{', '.join(map(str, there))}: there already; --force overwrites, -o names another place"
        )


def write(draft: Draft, directory: Path, source: Path, master: MasterKey | None, token: Callable[[int], bytes]) -> None:
    """The files of one daemon. Raises OSError, VaultError."""
    folder = directory / draft.name
    folder.mkdir(parents=True, exist_ok=True)
    new = texts(draft, source)
    for name, text in new.items():
        (folder / name).write_text(text, "utf-8")
    for suffix, users in draft.vaults.items():
        if master is None:
            raise VaultError("there is no master key, and the draft has users")
        path = folder / f"agroal{suffix}.conf"
        path.unlink(missing_ok=True)
        write_users(path, master, users, token)
    kept = {*new, *(f"agroal{suffix}.conf" for suffix in draft.vaults)}
    for role in ROLES:  # with --force: what another import left would be loaded, too
        if (name := role.filename("agroal")) not in kept:
            (folder / name).unlink(missing_ok=True)


def check(draft: Draft, directory: Path, environment: Mapping[str, str]) -> list[str]:
    """What `agroal --check` has against what was written, on this machine."""
    try:
        read({}, directory / draft.name, environment)
    except AgroalError as error:
        return str(error).splitlines()
    return []


def _main(draft: Draft) -> Iterable[str]:
    yield "[agroal]"
    yield from _commented(draft.settings.values())
    for server in draft.servers:
        yield ""
        yield f"[{server.name}]"
        yield from _commented(server.keys.values())


def _commented(lines: Iterable[Line]) -> Iterable[str]:
    last = ""
    for line in lines:
        if line.comment and line.comment != last:
            yield f"# {neutral(line.comment)}"
        last = line.comment
        yield line.text


def _text(suffix: str, body: Iterable[str], source: Path) -> str:
    head = [f"# agroal: {_TITLES[suffix]}.", f"# Imported from {neutral(str(source))}.", ""]
    if suffix in _COLUMNS:
        head += [f"# {_COLUMNS[suffix]}"]
    return "\n".join([*head, *body]) + "\n"
