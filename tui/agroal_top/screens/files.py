"""What the keys write to files: what is seen, and recordings."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from textual import work

from agroal.management.frames import BadRecording
from agroal_top.export import exported
from agroal_top.recording import Recorded
from agroal_top.screens.choice import Choice, Item
from agroal_top.screens.keys import Keys
from agroal_top.source import Lost, Refused
from agroal_top.tables import sight
from agroal_top.views.drawing import without_fonts

_FORMATS = (
    ("svg", Item("", "SVG", "the screen, in its colours")),
    ("txt", Item("", "text", "the screen, as it is read")),
    ("json", Item("", "JSON", "the page and the whole snapshot")),
    ("csv", Item("", "CSV", "the table: filtered, sorted")),
)
_MOST_NAMES = 100


class Files(Keys):
    """Files come to the directory that agroal-top was started in, named after the page and the daemon's time."""

    @property
    def recordable(self) -> Recorded | None:
        """None where nothing can be recorded: in a recording."""
        source = self.top.source
        return source if isinstance(source, Recorded) else None

    def action_write(self) -> None:
        sheet = self.page.sheet()
        if self.model.latest is None:
            self.app.notify("there is nothing to write yet", markup=False)
            return
        formats = [(suffix, item) for suffix, item in _FORMATS if suffix != "csv" or sheet]

        def chosen(number: int | None) -> None:
            if number is not None:
                self._write(formats[number][0], sheet)

        self.app.push_screen(Choice("write", [item for _, item in formats]), chosen)

    def action_record(self) -> None:
        if (recordable := self.recordable) is None:
            return
        if path := recordable.path:
            recordable.end()
            self.app.notify(str(path), title="recorded", markup=False)
        else:
            path = Path(f"{self._stem('agroal')}.agrec")
            try:
                recordable.begin(path)
            except BadRecording as error:
                self.app.notify(str(error), title="recording", severity="error", markup=False)
            else:
                self.app.notify(f"{path}\nit has names and addresses in it", title="recording", markup=False)
        self.paint_frame()

    @work(group="write", exclusive=True)
    async def _write(self, suffix: str, sheet: Sequence[Sequence[object]]) -> None:
        """Of the screen as it is once the choice is gone."""
        try:
            match suffix:
                case "svg":
                    text = without_fonts(self.app.export_screenshot(title=f"agroal-top: {self.current}"))
                case "txt":
                    text = self.text()
                case "json":
                    seen = await asyncio.to_thread(sight, self.current, self.model, self.top.source)
                    text = exported(self.current, seen, "json", whole=True)
                case _:
                    text = _csv(sheet)
            path = written(Path(f"{self._stem(f'agroal-{self.current}')}.{suffix}"), text)
        except (OSError, Lost, Refused) as error:
            self.app.notify(str(error), title="write", severity="error", markup=False)
        else:
            self.app.notify(str(path), title="written", markup=False)

    def text(self) -> str:
        """What stands on the screen, without the room at the end of lines."""
        strips = self._compositor.render_strips()
        return "".join("".join(segment.text for segment in strip).rstrip() + "\n" for strip in strips)

    def _stem(self, what: str) -> str:
        wall = self.model.latest.wall[:19] if self.model.latest else ""
        return f"{what}-{wall.replace('-', '').replace(':', '').replace('T', '-')}".rstrip("-")


def written(path: Path, text: str) -> Path:
    """Where it was written: to a new file, with a number when there is one of that name. Raises OSError."""
    for number in range(1, _MOST_NAMES):
        new = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            with new.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        return new
    raise FileExistsError(f"there are {_MOST_NAMES} files called {path} already")


def _csv(sheet: Sequence[Sequence[object]]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerows(sheet)
    return out.getvalue()
