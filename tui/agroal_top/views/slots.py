"""The slots as a grid of glyphs: a seat each, by state, with the empty ones that the snapshot leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from agroal.management.snapshot import Slot, Snapshot
from agroal_top import format
from agroal_top.views.listing import Column, Kind, worded
from agroal_top.views.text import Part, Tone


@dataclass(frozen=True, slots=True)
class Look:
    glyph: str
    ascii: str
    tone: Tone


EMPTY = "not-init"
LOOKS = {
    EMPTY: Look("·", ".", Tone.DIM),
    "init": Look("◌", "o", Tone.ACCENT),
    "free": Look("□", "-", Tone.OK),
    "in-use": Look("■", "#", Tone.STRONG),
    "gracefully": Look("◪", "g", Tone.WARN),
    "flush": Look("⊠", "x", Tone.WARN),
    "idle-check": Look("◔", "i", Tone.DIM),
    "max-connection-age": Look("◷", "a", Tone.WARN),
    "validation": Look("✓", "v", Tone.ACCENT),
    "remove": Look("✗", "r", Tone.ERROR),
}
_STRANGE = Look("?", "?", Tone.ERROR)


class Grouping(Enum):
    NUMBER = "number"
    POOL = "pool"
    SERVER = "server"
    STATE = "state"


class Heat(Enum):
    """What the tone of a slot says; its glyph always says the state."""

    STATE = "state"
    AGE = "age"
    TIME = "time in state"
    QUERIES = "queries"


_RAMP = (Tone.DIM, Tone.OK, Tone.ACCENT, Tone.WARN, Tone.ERROR)


class Cell(NamedTuple):
    """Made by the thousand."""

    id: int
    slot: Slot | None
    look: Look
    tone: Tone
    bright: bool
    """False when a filter leaves it out."""


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    """Empty when slots are not grouped."""
    cells: tuple[Cell, ...]


def look_of(state: str) -> Look:
    return LOOKS.get(state, _STRANGE)


def groups(
    snapshot: Snapshot,
    grouping: Grouping = Grouping.NUMBER,
    heat: Heat = Heat.STATE,
    wanted: frozenset[int] | None = None,
) -> list[Group]:
    """`wanted`: the ids of the slots that stay bright; None for all."""
    seats: dict[int, Slot | None] = dict.fromkeys(range(snapshot.max_connections))
    seats.update((slot.id, slot) for slot in snapshot.slots)
    ramp = {} if heat is Heat.STATE else _ramp(snapshot, heat)

    def cell(id: int, slot: Slot | None) -> Cell:
        look = LOOKS.get(slot.state, _STRANGE) if slot else LOOKS[EMPTY]
        return Cell(id, slot, look, ramp.get(id, look.tone), wanted is None or id in wanted)

    cells = [cell(id, slot) for id, slot in sorted(seats.items(), key=itemgetter(0))]
    if grouping is Grouping.NUMBER:
        return [Group("", tuple(cells))]
    ordered = sorted(cells, key=lambda cell: (cell.slot is None, _group(cell, grouping), cell.id))
    return [Group(title, tuple(members)) for title, members in groupby(ordered, lambda cell: _group(cell, grouping))]


def _group(cell: Cell, grouping: Grouping) -> str:
    if cell.slot is None:
        return EMPTY
    match grouping:
        case Grouping.POOL:
            return f"{cell.slot.database}/{cell.slot.user}"
        case Grouping.SERVER:
            return cell.slot.server or "no server yet"
    return cell.slot.state


def measure(slot: Slot, heat: Heat, now_us: int) -> int:
    match heat:
        case Heat.AGE:
            return now_us - slot.born_us
        case Heat.TIME:
            return now_us - slot.since_us
        case Heat.QUERIES:
            return slot.queries
    return 0


def _ramp(snapshot: Snapshot, heat: Heat) -> dict[int, Tone]:
    """Five steps by rank: each has a fifth of the slots, whatever the values are."""
    ranked = sorted(snapshot.slots, key=lambda slot: measure(slot, heat, snapshot.mono_us))
    return {slot.id: _RAMP[5 * rank // len(ranked)] for rank, slot in enumerate(ranked)}


def legend(snapshot: Snapshot, ascii: bool) -> list[Part]:
    """The states that occur, with how many slots are in each."""
    counts = dict.fromkeys(LOOKS, 0)
    counts[EMPTY] = snapshot.max_connections - len(snapshot.slots)
    for slot in snapshot.slots:
        counts[slot.state] = counts.get(slot.state, 0) + 1
    parts = []
    for state, count in counts.items():
        if count:
            look = look_of(state)
            parts += [Part(f" {look.ascii if ascii else look.glyph}", look.tone), Part(f" {state} {count} ")]
    return parts


def details(cell: Cell | None, snapshot: Snapshot) -> Iterator[list[Part]]:
    """What there is to say of the slot under the cursor."""
    if cell is None:
        return
    if (slot := cell.slot) is None:
        yield [Part(f"slot {cell.id} ", Tone.STRONG), Part("· empty: no connection to PostgreSQL", Tone.DIM)]
        return
    since, age = (format.duration(snapshot.mono_us - then) for then in (slot.since_us, slot.born_us))
    yield [
        Part(f"slot {slot.id} ", Tone.STRONG),
        Part(f"{cell.look.glyph} {slot.state}", cell.look.tone),
        Part(f" for {since} · {slot.database}/{slot.user} → {slot.server or '?'}"),
    ]
    yield [Part(f"client {slot.client or 'nobody'} {slot.application_name}")]
    yield [Part(f"backend pid {slot.server_pid} · TLS {slot.tls or 'no'} · age {age} · leased {slot.leases:,} times")]
    yield [
        Part(f"{slot.queries:,} queries · {slot.transactions:,} transactions · "),
        Part(f"↓{format.amount(slot.bytes_in)} ↑{format.amount(slot.bytes_out)}"),
    ]


def lines(grouped: Sequence[Group], across: int) -> list[tuple[str, tuple[Cell, ...]]]:
    """The grid's lines: a label and at most `across` cells each; a group's title has a line of its own."""
    found: list[tuple[str, tuple[Cell, ...]]] = []
    for group in grouped:
        if group.title:
            found.append((f" {group.title} ({len(group.cells)})", ()))
        for start in range(0, len(group.cells), across):
            label = f"{group.cells[start].id:5}  "
            found.append((label, group.cells[start : start + across]))
    return found


COLUMNS: tuple[Column[Slot], ...] = (
    Column("id", "Id", 5, lambda slot: slot.id, lambda slot: Part(str(slot.id)), Kind.NUMBER),
    worded("state", "State", 10, lambda slot: slot.state),
    worded("database", "Database", 10, lambda slot: slot.database),
    worded("user", "User", 10, lambda slot: slot.user),
    worded("server", "Server", 10, lambda slot: slot.server),
    worded("client", "Client", 10, lambda slot: slot.client),
    worded("app", "Application", 10, lambda slot: slot.application_name),
    Column("pid", "Pid", 7, lambda slot: slot.server_pid, lambda slot: Part(str(slot.server_pid)), Kind.NUMBER),
    Column("queries", "Queries", 7, lambda slot: slot.queries, lambda slot: Part(str(slot.queries)), Kind.NUMBER),
    Column("leases", "Leases", 7, lambda slot: slot.leases, lambda slot: Part(str(slot.leases)), Kind.NUMBER),
)
"""What a filter can ask of a slot, and what is copied of it."""
