"""Which files are written, and where: by path from the root of the project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from agroal.pool.slot import diagram
from agroal.reference import (
    bash,
    coming,
    commands,
    configuration,
    console,
    doctor,
    failures,
    fish,
    formats,
    metrics,
    zsh,
)
from agroal.reference.markdown import markdown
from agroal.reference.page import Heading
from agroal.reference.programs import programs
from agroal.reference.roff import Page, manual

SLOTS = "docs/slots.md"
"""Written by hand, but for the diagram in it."""

_DIAGRAM = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


def drawn(root: Path) -> dict[str, str]:
    """The text of every file. Of what is at `root`, only the page about slots is read."""
    slots = (root / SLOTS).read_text("utf-8")
    return {
        "docs/configuration.md": markdown("Configuration", configuration.page()),
        "docs/commands.md": markdown("Commands", commands.page()),
        "docs/errors.md": markdown("Errors and reasons", failures.page()),
        "docs/console.md": markdown("The SQL console", console.page()),
        "docs/metrics.md": markdown("Metrics", metrics.page()),
        "docs/coming-from-pgbouncer.md": markdown("Coming from PgBouncer", coming.bouncer_page()),
        "docs/coming-from-pgagroal.md": markdown("Coming from pgagroal", coming.agroal_page()),
        "docs/doctor.md": markdown("agroal doctor", doctor.page()),
        SLOTS: _DIAGRAM.sub(lambda _: diagram(), slots),
        **_manuals(),
        **_completions(),
    }


def differing(root: Path) -> list[str]:
    """The files that are not what would be written."""
    return [path for path, text in drawn(root).items() if _read(root / path) != text]


def write(root: Path) -> list[str]:
    """Writes the files that differ, and says which."""
    texts: Mapping[str, str] = drawn(root)
    changed = [path for path, text in texts.items() if _read(root / path) != text]
    for path in changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(texts[path], "utf-8")
    return changed


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def _manuals() -> dict[str, str]:
    described = Heading("Description")
    pages = [Page(p.name, 1, p.summary, commands.manual(p)) for p in programs()]
    pages += [
        Page("agroal.conf", 5, "settings and servers of agroal", configuration.manual()),
        Page("agroal_hba.conf", 5, "who may come in to agroal, from where, and how", (described, *formats.HBA)),
        Page("agroal_ident.conf", 5, "which users a certificate stands for", (described, *formats.IDENT)),
        Page("agroal_databases.conf", 5, "limits and aliases of databases", (described, *formats.DATABASES)),
    ]
    return {f"man/{page.name}.{page.section}": manual(page, pages) for page in pages}


def _completions() -> dict[str, str]:
    found = {}
    for program in programs():
        found[f"completions/bash/{program.name}"] = bash.completion(program)
        found[f"completions/zsh/_{program.name}"] = zsh.completion(program)
        found[f"completions/fish/{program.name}.fish"] = fish.completion(program)
    return found
