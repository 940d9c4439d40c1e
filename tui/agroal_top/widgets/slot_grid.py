"""The slots, a glyph each, with a cursor that stays on its slot however they are grouped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from agroal_top import keymap
from agroal_top.keymap import Where
from agroal_top.views.slots import Cell, Group, lines
from agroal_top.views.text import Tone, fitted
from agroal_top.widgets.ink import CURSOR, ink_of

LABEL = 7
CHANGED = Style(bold=True, underline=True)
TEN = 10
"""After as many there is a gap."""


def across(columns: int) -> int:
    """How many slots fit in a line: whole tens where there is room for one."""
    cells = max(1, (columns - LABEL + 1) // 2)
    tens = (columns - LABEL + 1) // (2 * TEN + 1)
    return tens * TEN if tens else cells


def column_of(cell: int) -> int:
    """Where the glyph of the so-many-th slot of a line stands."""
    return LABEL + 2 * cell + cell // TEN


class SlotGrid(ScrollView, can_focus=True):
    LISTENS: ClassVar[Where] = Where.GRID
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.bindings(LISTENS))

    class Chosen(Message):
        """Enter, or a second click."""

        def __init__(self, cell: Cell) -> None:
            super().__init__()
            self.cell = cell

    class Moved(Message):
        """The cursor is on another slot."""

    class MenuAsked(Message):
        """The right button."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._groups: list[Group] = []
        self._lines: list[tuple[str, tuple[Cell, ...]]] = []
        self._cells: dict[int, Cell] = {}
        self._before: dict[int, Cell] = {}
        """Those of the time before, to see what has changed."""
        self.cursor_id = 0

    @property
    def cell(self) -> Cell | None:
        """What the cursor is on."""
        return self._cells.get(self.cursor_id)

    def show(self, groups: list[Group]) -> None:
        """Slots in another state than before stand out until the next time."""
        self._before = self._cells
        self._cells = {cell.id: cell for group in groups for cell in group.cells}
        self._groups = groups
        if self.cursor_id not in self._cells:
            self.cursor_id = next(iter(self._cells), 0)
        self._lay_out()

    def _lay_out(self) -> None:
        self._lines = lines(self._groups, across(self.size.width))
        self.virtual_size = Size(self.size.width, len(self._lines))
        self.refresh()

    def on_resize(self) -> None:
        self._lay_out()

    def render_line(self, y: int) -> Strip:
        ink, columns, base = ink_of(self), self.size.width, self.rich_style
        at = y + self.scroll_offset.y
        if at >= len(self._lines):
            return Strip.blank(columns, base)
        label, cells = self._lines[at]
        tone = Tone.DIM if cells else Tone.STRONG
        segments = [Segment(fitted(ink.shown(label), LABEL if cells else columns), base + ink.style(tone))]
        for style, text in self._runs(cells):
            segments.append(Segment(text, base + style))
        return Strip(segments).adjust_cell_length(columns, base)

    def _runs(self, cells: Sequence[Cell]) -> Iterator[tuple[Style, str]]:
        """Neighbours that look the same are drawn as one: a line of a hundred slots is a few segments."""
        ink, gathered, style = ink_of(self), "", Style()
        for number, cell in enumerate(cells):
            glyph = cell.look.ascii if ink.ascii else cell.look.glyph
            own = ink.style(cell.tone if cell.bright else Tone.DIM)
            gap = "  " if number % TEN == TEN - 1 else " "
            if stands_out := self._standing_out(cell):
                yield style, gathered
                yield own + stands_out, glyph
                style, gathered = own, gap
            elif own is style:
                gathered += glyph + gap
            else:
                yield style, gathered
                style, gathered = own, glyph + gap
        yield style, gathered

    def _standing_out(self, cell: Cell) -> Style | None:
        """What its neighbours don't have: the cursor, or another state than before."""
        changed = self._before.get(cell.id, cell).look is not cell.look
        if cell.id == self.cursor_id:
            return CHANGED + CURSOR if changed else CURSOR
        return CHANGED if changed else None

    def _place(self) -> tuple[int, int] | None:
        """Line and column of the cursor."""
        for row, (_, cells) in enumerate(self._lines):
            for column, cell in enumerate(cells):
                if cell.id == self.cursor_id:
                    return row, column
        return None

    def _go(self, cell: Cell) -> None:
        self.cursor_id = cell.id
        if place := self._place():
            top, page = self.scroll_offset.y, max(1, self.size.height)
            if not top <= place[0] < top + page:
                self.scroll_to(y=max(0, place[0] - page // 2), animate=False, immediate=True)
        self.refresh()
        self.post_message(self.Moved())

    def action_move(self, right: int, down: int) -> None:
        if (place := self._place()) is None:
            return
        row, column = place
        if down:
            rows = range(row + 1, len(self._lines)) if down > 0 else range(row - 1, -1, -1)
            if cells := next((self._lines[at][1] for at in rows if self._lines[at][1]), None):
                self._go(cells[min(column, len(cells) - 1)])
            return
        every = [cell for _, cells in self._lines for cell in cells]
        at = [cell.id for cell in every].index(self.cursor_id) + right
        self._go(every[max(0, min(at, len(every) - 1))])

    def action_first(self) -> None:
        self._end(0)

    def action_last(self) -> None:
        self._end(-1)

    def _end(self, at: int) -> None:
        if every := [cell for _, cells in self._lines for cell in cells]:
            self._go(every[at])

    def action_choose(self) -> None:
        if cell := self.cell:
            self.post_message(self.Chosen(cell))

    def on_click(self, event: events.Click) -> None:
        self.focus()
        row = event.y + self.scroll_offset.y
        if row >= len(self._lines):
            return
        for number, cell in enumerate(self._lines[row][1]):
            if column_of(number) <= event.x <= column_of(number) + 1:
                again = event.chain > 1 and cell.id == self.cursor_id
                self._go(cell)
                if event.button == 3:
                    self.post_message(self.MenuAsked())
                elif again:
                    self.action_choose()
                return
