"""What a page is made of, whatever it becomes: Markdown in docs/, roff for `man`.

A text may mark `what is typed` with backticks and [a link](target); a word with an underscore needs no mark. Everything
else in it is taken as it is, so that a text from a declaration can be shown whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SPAN = re.compile(r"`(?P<literal>[^`]+)`|\[(?P<name>[^\[\]]+)\]\((?P<target>[^()\s]+)\)|\b(?P<word>[A-Za-z]+_\w+)\b")


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    level: int = 1
    """1 for the chapters of a page; 0, its title, is the renderer's."""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Lines shown as they are."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of as many cells as `head` has. The first is what a row is about; an empty one says nothing."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Text | Code | Table
Blocks = tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Plain:
    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    target: str


Span = Plain | Literal | Link


def spans(text: str) -> Iterator[Span]:
    """The marked and unmarked parts of a text, in order."""
    position = 0
    for match in _SPAN.finditer(text):
        if match.start() > position:
            yield Plain(text[position : match.start()])
        typed = match["literal"] or match["word"]
        yield Literal(typed) if typed else Link(match["name"], match["target"])
        position = match.end()
    if position < len(text):
        yield Plain(text[position:])


def deeper(blocks: Blocks) -> Blocks:
    """The same blocks as a part of a chapter."""
    return tuple(Heading(b.text, b.level + 1) if isinstance(b, Heading) else b for b in blocks)


def literal(text: str) -> str:
    """Marked as what is typed; nothing stays nothing."""
    return f"`{text}`" if text else ""


def literals(texts: tuple[str, ...]) -> str:
    return ", ".join(map(literal, texts))


def sentence(text: str) -> str:
    """A fragment of a declaration as a sentence; a name that it begins with stays as it is."""
    first = text.split(maxsplit=1)[0].rstrip(",;:")
    if first.isalpha() and first != "agroal":
        text = text[0].upper() + text[1:]
    return text if text.endswith((".", ".)", "?")) else f"{text}."


def doc(declared: Any) -> str:
    """The first paragraph of a docstring, in one line; empty when there is none. Inherited ones don't count."""
    return " ".join((declared.__doc__ or "").partition("\n\n")[0].split())
