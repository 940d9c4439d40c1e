"""Snapshots as they come from the daemon, second after second, mostly the same.

Of ten thousand clients few do something else each second. To read a row costs a hundred times what it costs to see that
it was read before, so rows that come again are the records that they were.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from agroal.management.client import ManagementError, Record
from agroal.management.snapshot import Client, Slot, Snapshot

T = TypeVar("T", bound=Record)
_EMPTY: Mapping[str, object] = {"fields": [], "rows": []}


class Rows(dict[Hashable, T]):
    """The records of one table, by the rows that they were read from."""

    def __init__(self, of: type[T]) -> None:
        super().__init__()
        self._of = of
        self._fields: list[str] = []

    def read(self, table: object) -> tuple[T, ...]:
        """Raises ManagementError, or what Python says of a table that is none."""
        match table:
            case {"fields": [*fields], "rows": [*rows]}:
                if fields != self._fields:
                    self.clear()
                    self._fields = fields
                keys = [tuple(row) for row in rows]
                before = dict(self)
                self.clear()
                for key in keys:
                    record = before.get(key)
                    self[key] = record or self._of.from_json(dict(zip(fields, key, strict=True)))
                return tuple(map(self.__getitem__, keys))
        raise TypeError("not a table")


class Rereader:
    """For the snapshots of one connection."""

    def __init__(self) -> None:
        self._slots = Rows(Slot)
        self._clients = Rows(Client)

    def read(self, document: object) -> Snapshot:
        """What `Snapshot.from_json` makes of it. Raises ManagementError."""
        if not isinstance(document, Mapping):
            return Snapshot.from_json(document)
        few: dict[str, Any] = {**document, "slots": _EMPTY, "clients": _EMPTY}
        snapshot = Snapshot.from_json(few)
        try:
            slots, clients = self._slots.read(document["slots"]), self._clients.read(document["clients"])
        except (ManagementError, KeyError, TypeError, ValueError):  # it knows the words for what is wrong
            return Snapshot.from_json(document)
        return replace(snapshot, slots=slots, clients=clients)
