"""Sizes of pools become lines of agroal_databases.conf.

PgBouncer has a pool for each pair of a database and a user, `max_db_connections` and `max_user_connections` across
them. agroal has lines, and the closest one counts: database and user, then user, then database, then `all all`. So:

- a pair whose user is known gets a line of its own;
- a database with a bound gets one line for all its users, and a user with a bound one line for all databases;
- users who are not known beforehand (auth_query) share the line of their database;
- `*` is the line `all all`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from agroal.config.limits import ALL, MOST_ALIASES
from agroal.config.settings import MOST_CONNECTIONS
from agroal.importing.bouncer_databases import ANY, Database, User
from agroal.importing.bouncer_settings import Main
from agroal.importing.draft import Limit
from agroal.importing.findings import Outcome
from agroal.importing.people import People

MOST_LINES = 100
"""With more pairs of databases and users than these, each database has one line for all users."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Makes the lines for the databases of one daemon."""

    main: Main
    databases: Sequence[Database]
    users: dict[str, User]
    people: People
    strangers: bool
    """Others than those who are known may come in."""

    def lines(self) -> list[Limit]:
        reals: dict[str, list[Database]] = {}
        for database in self.databases:
            if database.name != ANY:
                reals.setdefault(database.real, []).append(database)
        limits = list(chain(*map(self._of_database, reals.values()), self._of_users(), self._of_any()))
        self._give_aliases(limits, reals)
        self._fit(limits)
        return limits

    @property
    def _known(self) -> list[str]:
        return [
            name for name in dict.fromkeys([*self.people.secrets, *self.people.without, *self.users]) if name != ALL
        ]

    def _bound(self, name: str) -> int | None:
        user = self.users.get(name)
        return (user.pool.cap if user else None) or self.main.number("max_user_connections") or None

    def _of_database(self, entries: list[Database]) -> Iterator[Limit]:
        """Lines for one database, under however many names PgBouncer knows it."""
        bounds = [bound for entry in entries if (bound := entry.pool.cap or self.main.number("max_db_connections"))]
        comment = ", ".join(f"{entry.name} ({entry.place})" for entry in entries)
        if len(entries) > 1:
            says = f"{', '.join(entry.name for entry in entries)} are one database: one pool for each user, of the sum."
            self.main.findings.add(Outcome.CHANGED, entries[0].place, f"dbname={entries[0].real}", says=says)
        if bounds:
            yield Limit(entries[0].real, ALL, sum(bounds), pipeline=self._pipeline(entries), comment=comment)
            return
        forced: dict[str, int] = {}
        for entry in entries:
            if entry.user and entry.user != ALL:
                forced[entry.user] = forced.get(entry.user, 0) + self._size(entry)
        unforced = [entry for entry in entries if not entry.user]
        for name in forced:
            yield self._pair([entry for entry in entries if entry.user == name], name, forced[name], comment)
        if unforced:
            yield from self._pairs(unforced, set(forced), comment)

    def _pairs(self, entries: list[Database], done: set[str], comment: str) -> Iterator[Limit]:
        known = [name for name in self._known if name not in done]
        many = len(self._known) * len(self.databases) > MOST_LINES
        if not many:
            for name in known:
                if not self._bound(name):
                    yield self._pair(entries, name, sum(self._size(e, self.users.get(name)) for e in entries), comment)
        size = sum(map(self._size, entries))
        if many:
            yield Limit(entries[0].real, ALL, size * len(known), pipeline=self._pipeline(entries), comment=comment)
        elif self.strangers or not known:
            yield Limit(entries[0].real, ALL, size, pipeline=self._pipeline(entries), comment=comment)

    def _pair(self, entries: list[Database], name: str, size: int, comment: str) -> Limit:
        least = sum(entry.least for entry in entries)
        if least and not self.people.password(name):
            says = f"{name}'s password is not known, so no connections are opened beforehand."
            self.main.findings.human(entries[0].place, f"min_pool_size of {entries[0].name}", says)
            least = 0
        pipeline = self._pipeline(entries, self.users.get(name))
        return Limit(entries[0].real, name, size, min(least, size), pipeline=pipeline, comment=comment)

    def _of_users(self) -> Iterator[Limit]:
        for name in self._known:
            if bound := self._bound(name):
                user = self.users.get(name)
                pipeline = (user and user.pool.pipeline) or ""
                yield Limit(ALL, name, bound, pipeline=pipeline, comment=f"max_user_connections of {name}")

    def _of_any(self) -> Iterator[Limit]:
        for entry in self.databases:
            if entry.name == ANY:
                bound = entry.pool.cap or self.main.number("max_db_connections")
                size = bound or self._size(entry) * max(1, len(self._known))
                says = f"all databases without a line share {size}: in PgBouncer each had pools of its own."
                self.main.findings.add(Outcome.CHANGED, entry.place, ANY, became=f"all all {size}", says=says)
                yield Limit(ALL, ALL, size, pipeline=self._pipeline([entry]), comment=f"* ({entry.place})")

    def _size(self, entry: Database, user: User | None = None) -> int:
        """Of one pool, the reserve included; at least 1, with which PgBouncer's 0 has nothing in common."""
        pools = [user.pool, entry.pool] if user else [entry.pool]
        size = next((p.size for p in pools if p.size is not None), self.main.number("default_pool_size"))
        reserve = next((p.reserve for p in pools if p.reserve is not None), self.main.number("reserve_pool_size"))
        return max(1, size + reserve)

    def _pipeline(self, entries: list[Database], user: User | None = None) -> str:
        """Empty where it is that of all. Where names of one database differ, the one that keeps everything."""
        common = self.main.text("pool_mode").lower()
        common = "transaction" if common == "statement" else common
        if user and user.pool.pipeline:
            wanted = {user.pool.pipeline}
        else:
            wanted = {entry.pool.pipeline or common or "session" for entry in entries}
        if len(wanted) > 1:
            says = "its names have different pool modes, and agroal has one for a database and a user: session."
            self.main.findings.human(entries[0].place, f"pool_mode of {entries[0].real}", says)
        chosen = wanted.pop() if len(wanted) == 1 else "session"
        return "" if chosen == (common or "session") else chosen

    def _give_aliases(self, limits: list[Limit], reals: dict[str, list[Database]]) -> None:
        given: set[str] = set()
        for real, entries in reals.items():
            lines = [limit for limit in limits if limit.database == real]
            for entry in entries:
                if entry.name == real or entry.name in given:
                    continue
                if entry.name in reals:
                    says = f"{entry.name} is another database's real name as well. Clients have to ask for {real}."
                    self.main.findings.human(entry.place, f"database {entry.name!r}", says)
                    continue
                if not lines:  # all its users have lines of their own
                    lines = [Limit(real, ALL, self._size(entry), comment=f"{entry.name} ({entry.place})")]
                    limits += lines
                room = next((limit for limit in lines if len(limit.aliases) < MOST_ALIASES), None)
                if room is None:
                    says = f"a line has room for {MOST_ALIASES} aliases. Clients have to ask for {real}."
                    self.main.findings.human(entry.place, f"database {entry.name!r}", says)
                    continue
                room.aliases.append(entry.name)
                given.add(entry.name)

    def _fit(self, limits: list[Limit]) -> None:
        """Into the most connections that agroal can have."""
        total = sum(limit.size for limit in limits)
        if total <= MOST_CONNECTIONS:
            return
        del limits[MOST_CONNECTIONS:]
        room = MOST_CONNECTIONS - len(limits)
        for limit in limits:
            limit.size = 1 + (limit.size - 1) * room // total
            limit.least = min(limit.least, limit.size)
        says = (
            f"PgBouncer's pools add up to {total} connections, and agroal has {MOST_CONNECTIONS} at most: all sizes "
            "were lowered. PostgreSQL's max_connections is the bound that matters."
        )
        self.main.findings.human(self.databases[0].place, "sizes of all pools", says)
