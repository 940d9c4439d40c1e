"""What the demonstration shows: a line per step that is kept up to date while the step runs, and a table."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

_LONG = 2.0
"""Seconds after which a step that runs shows how long it has been running."""
_TITLE = 44


class Screen:
    """Lines of text. On a terminal the line of the current step is kept up to date, and NO_COLOR is honoured."""

    def __init__(self, out: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._is_terminal = out.isatty()
        self._has_colours = self._is_terminal and not os.environ.get("NO_COLOR")
        self._title = ""
        self._note = ""
        self._since = 0.0
        self._drawn = ""

    def say(self, text: str = "") -> None:
        self._put(text + "\n")

    def heading(self, text: str) -> None:
        self.say(f"\n{self._in('1', text)}")

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A step with its title; when it is done, its line says how long it took, and its last note."""
        self._title, self._note, self._since = title, "", self._clock()
        if self._is_terminal:
            self._draw(f"  {title} …")
        else:
            self._put(f"  {title:<{_TITLE}}")
        outcome = "broken off"
        try:
            yield
            outcome = f"{self._elapsed():4.1f} s  {self._note}".rstrip()
        finally:
            self._title = ""
            if self._is_terminal:
                self._draw(f"  {title:<{_TITLE}}{outcome}")
                self._put("\n")
                self._drawn = ""
            else:
                self._put(f"{outcome}\n")

    def note(self, text: str) -> None:
        """Say how the current step goes."""
        self._note = text
        self.refresh()

    def refresh(self) -> None:
        """Draw the line of the current step, if there is one and this is a terminal."""
        if not (self._title and self._is_terminal):
            return
        elapsed = self._elapsed()
        if elapsed >= _LONG or self._note:
            self._draw(f"  {self._title:<{_TITLE}}{elapsed:4.0f} s  {self._note}")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        first, *rest = layout([header, *rows])
        self.say(f"\n{self._in('1', first)}")
        for line in rest:
            self.say(line)

    def _elapsed(self) -> float:
        return self._clock() - self._since

    def _draw(self, line: str) -> None:
        if line != self._drawn:
            self._put(f"\r\x1b[2K{line}")
            self._drawn = line

    def _put(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

    def _in(self, style: str, text: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._has_colours else text


def layout(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines of even columns: the first to the left, the others, which are figures, to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "   ".join(
            [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    ]


def thousands(number: float) -> str:
    """A figure in groups of three digits with narrow gaps: 12 345."""
    return f"{number:,.0f}".replace(",", "\N{NO-BREAK SPACE}")
