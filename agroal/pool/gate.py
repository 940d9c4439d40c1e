"""A yes or no for each database: whether new clients may enter it, whether its clients are granted connections.

What new clients may not enter is not filled ahead of clients either; who is in goes on.
"""

from __future__ import annotations

from collections.abc import Mapping


class Gate:
    """Every database is open until it is disabled. What is said of all replaces what was said of each before."""

    def __init__(self) -> None:
        self._all = True
        self._named: dict[str, bool] = {}

    def is_open(self, database: str) -> bool:
        """`database` is a real name, not an alias."""
        return self._named.get(database, self._all)

    @property
    def is_open_by_default(self) -> bool:
        return self._all

    @property
    def exceptions(self) -> Mapping[str, bool]:
        """The databases that are not as all others are: whether they are open."""
        return self._named

    def set(self, database: str | None, is_open: bool) -> None:
        """Open or close one database, or (None) all."""
        if database is None:
            self._all = is_open
            self._named.clear()
        elif is_open is self._all:
            self._named.pop(database, None)
        else:
            self._named[database] = is_open
