"""What differs between two configurations, each difference with the texts for its reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from agroal.config.describe import hba_columns, ident_columns
from agroal.config.model import Configuration, LimitLine, ServerSettings
from agroal.config.servers import SERVER_KEYS
from agroal.config.settings import KEYS
from agroal.config.tables import quote

_MOST_NAMED = 2
"""Lines of the hba file or the ident file that a difference names; of more there is the number."""


class Difference(NamedTuple):
    key: str
    old: str
    new: str
    """Empty where there is none."""


def differences(old: Configuration, new: Configuration) -> Iterator[Difference]:
    for key in KEYS:
        was, now = getattr(old.settings, key.name), getattr(new.settings, key.name)
        if was != now:
            yield Difference(key.name, key.show(was), key.show(now))
    yield from _servers(old, new)
    yield from _hba(old, new)
    yield from _ident(old, new)
    yield from _limits(old.limits, new.limits)
    yield from _vaults(old, new)


def _servers(old: Configuration, new: Configuration) -> Iterator[Difference]:
    before, after = _by_name(old), _by_name(new)
    for name in before | after:
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            yield Difference(f"server.{name}", _place(was), _place(now))
            continue
        for key in SERVER_KEYS:
            if getattr(was, key.name) != getattr(now, key.name):
                texts = (key.show(getattr(server, key.name)) for server in (was, now))
                yield Difference(f"server.{name}.{key.name}", *texts)


def _by_name(configuration: Configuration) -> dict[str, ServerSettings]:
    """The servers, of which the primary is marked: without a mark it is the first, so the order would count too."""
    primary = configuration.primary
    return {server.name: replace(server, primary=server is primary) for server in configuration.servers}


def _place(server: ServerSettings | None) -> str:
    return f"{server.host}:{server.port}" if server else ""


def _hba(old: Configuration, new: Configuration) -> Iterator[Difference]:
    texts = ([" ".join(hba_columns(line)) for line in each.hba] for each in (old, new))
    yield from _rows(new.files.hba, *texts)


def _ident(old: Configuration, new: Configuration) -> Iterator[Difference]:
    file = new.files.ident or old.files.ident
    if file:
        texts = ([" ".join(ident_columns(line)) for line in each.ident] for each in (old, new))
        yield from _rows(file, *texts)


def _rows(file: Path, before: Sequence[str], after: Sequence[str]) -> Iterator[Difference]:
    if before == after:
        return
    gone = list((Counter(before) - Counter(after)).elements())
    came = list((Counter(after) - Counter(before)).elements())
    moved = "" if gone or came else ", in another order"
    yield Difference(file.name, _lines(before, gone), _lines(after, came) + moved)


def _lines(lines: Sequence[str], only_here: Sequence[str]) -> str:
    """`3 lines: host all all all md5; 1 more`, where those are named that the other file has not."""
    count = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
    more = len(only_here) - _MOST_NAMED
    named = [*only_here[:_MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    return f"{count}: {'; '.join(named)}" if named else count


def _limits(old: Sequence[LimitLine], new: Sequence[LimitLine]) -> Iterator[Difference]:
    if not old and not new:
        return
    file = Path((*new, *old)[0].file).name
    sizes_before, sizes_after = _sizes(old), _sizes(new)
    for pair in sizes_before | sizes_after:
        was, now = sizes_before.get(pair, ""), sizes_after.get(pair, "")
        if was != now:
            yield Difference(f"{file}: {'/'.join(map(quote, pair))}", was, now)
    names_before, names_after = _aliases(old), _aliases(new)
    for database in names_before | names_after:
        was, now = (",".join(map(quote, names.get(database, ()))) for names in (names_before, names_after))
        if was != now:
            yield Difference(f"{file}: aliases of {quote(database)}", was, now)


def _sizes(limits: Sequence[LimitLine]) -> dict[tuple[str, str], str]:
    """By database and user; the first line of a pair counts."""
    sizes: dict[tuple[str, str], str] = {}
    for limit in limits:
        text = f"{limit.max_size} {limit.initial_size} {limit.min_size}"
        sizes.setdefault((limit.database, limit.user), text)
    return sizes


def _aliases(limits: Sequence[LimitLine]) -> dict[str, list[str]]:
    """By database, from all its lines."""
    databases: dict[str, list[str]] = {}
    for limit in limits:
        databases[limit.database] = sorted((*databases.get(limit.database, ()), *limit.aliases))
    return databases


def _vaults(old: Configuration, new: Configuration) -> Iterator[Difference]:
    """Only where these files are: what is in them is not part of the configuration."""
    for role in ("users", "frontend_users", "admins", "superuser"):
        was, now = getattr(old.files, role), getattr(new.files, role)
        if was != now:
            yield Difference(f"{role} file", str(was or ""), str(now or ""))
