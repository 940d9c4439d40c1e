"""The grid of slots; a filter leaves the slots bright that match."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal

from agroal.management.snapshot import Slot, Snapshot
from agroal_top.model import Model
from agroal_top.screens.page import Open, Page
from agroal_top.views import slots
from agroal_top.views.actions import Target
from agroal_top.views.filters import Match, parse
from agroal_top.views.listing import Value
from agroal_top.widgets.ink import ink_of
from agroal_top.widgets.lines import Lines
from agroal_top.widgets.slot_grid import SlotGrid


class SlotsPage(Page):
    page = "slots"

    def __init__(self) -> None:
        super().__init__()
        self.grouping = slots.Grouping.NUMBER
        self.heat = slots.Heat.STATE
        self._match: Match[Slot] | None = None
        self._snapshot: Snapshot | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="slots-middle"):
            yield SlotGrid(id="grid")
            yield Lines(id="slot-details", classes="details")
        yield Lines(id="legend")

    def paint(self, model: Model) -> None:
        if (snapshot := model.latest) is None:
            return
        self._snapshot = snapshot
        self.query_one(SlotGrid).show(slots.groups(snapshot, self.grouping, self.heat, self._wanted(snapshot)))
        self.titled("#grid", f"slots {snapshot.max_connections} · by {self.grouping.value} · heat {self.heat.value}")
        self.query_one("#legend", Lines).show([slots.legend(snapshot, ink_of(self).ascii)])
        self._paint_details()

    def _wanted(self, snapshot: Snapshot) -> frozenset[int] | None:
        if self._match is None and self.scope is None:
            return None
        return frozenset(
            slot.id
            for slot in snapshot.slots
            if (self._match is None or self._match(slot))
            and (self.scope is None or self.scope.holds(slot.database, slot.user))
        )

    def _paint_details(self) -> None:
        if self._snapshot is not None:
            cell = self.query_one(SlotGrid).cell
            self.query_one("#slot-details", Lines).show(list(slots.details(cell, self._snapshot)))

    def on_slot_grid_moved(self) -> None:
        self._paint_details()

    def on_slot_grid_chosen(self, message: SlotGrid.Chosen) -> None:
        if self._snapshot is None or message.cell.slot is None:
            return
        id = message.cell.id
        client = next((client.id for client in self._snapshot.clients if client.slot == id), None)
        if client is None:
            self.app.notify("nobody holds this slot", markup=False)
        else:
            self.post_message(Open("clients", key=client))

    def set_filter(self, text: str) -> None:
        self._match = parse(text, slots.COLUMNS)
        self.filter = text

    def focus_first(self) -> None:
        self.query_one(SlotGrid).focus()

    def point_at(self, key: object) -> None:
        if isinstance(key, int):
            self.query_one(SlotGrid).cursor_id = key

    def target(self) -> Target:
        cell = self.query_one(SlotGrid).cell
        if cell is None or cell.slot is None or self._snapshot is None:
            return Target()
        client = next((client for client in self._snapshot.clients if client.slot == cell.id), None)
        return Target(cell.slot.database, client)

    def copied(self) -> str:
        cell = self.query_one(SlotGrid).cell
        if cell is None or cell.slot is None:
            return ""
        return "\t".join(column.show(cell.slot).text for column in slots.COLUMNS)

    def sheet(self) -> list[list[Value]]:
        """The slots that are bright."""
        if self._snapshot is None:
            return []
        wanted = self._wanted(self._snapshot)
        bright = [slot for slot in self._snapshot.slots if wanted is None or slot.id in wanted]
        heads: list[Value] = [column.id for column in slots.COLUMNS]
        return [heads, *[[column.value(slot) for column in slots.COLUMNS] for slot in bright]]
