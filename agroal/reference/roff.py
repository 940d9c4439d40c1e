"""A page as roff with the macros of man(7), in ASCII, as groff and mandoc read it alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from textwrap import wrap

from agroal.reference.page import Block, Blocks, Code, Heading, Link, Literal, Plain, Table, Text, spans

GENERATED = r'.\" Written by "make docs" from the program\(aqs own tables: what is changed here is lost.'

_WIDTH = 79
"""Of a line in the file; the reader's terminal fills its own."""

# `-` alone is a hyphen that a search for an option does not find; the others are typographic signs or control lines.
_SPECIAL = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    section: int
    summary: str
    blocks: Blocks

    def __str__(self) -> str:
        return f"`{self.name}`({self.section})"


def manual(page: Page, pages: Iterable[Page]) -> str:
    """A manual page, which names the others. It has no date and no version: it changes when what it says changes."""
    summary = f"{page.summary[:1].lower()}{page.summary[1:]}".rstrip(".")
    lines = [
        GENERATED,
        f'.TH "{escape(page.name.upper())}" {page.section} "" "agroal" "agroal manual"',
        ".nh",
        ".SH NAME",
        f"{escape(page.name)} \\- {escape(summary)}",
    ]
    others = ", ".join(str(other) for other in pages if other is not page)
    for block in (*page.blocks, Heading("See also"), Text(others)):
        if lines[-1].startswith((".SH", ".SS")):
            lines += filter(".PP".__ne__, _block(block))  # a heading begins a paragraph already
        else:
            lines += _block(block)
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that roff shows as it is, within a line."""
    return "".join(_SPECIAL.get(char) or (char if char.isascii() else f"\\[u{ord(char):04X}]") for char in text)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading(text, 1):
            yield f".SH {_quoted(text.upper())}"
        case Heading(text, _):
            yield f".SS {_quoted(text)}"
        case Text(text):
            yield ".PP"
            yield from _filled(text)
        case Code(text):
            yield from (".PP", ".RS 4", ".nf")
            yield from (_guarded(escape(line)) for line in text.rstrip().split("\n"))
            yield from (".fi", ".RE")
        case Table(head, rows):
            for row in rows:
                yield from _entry(head, row)


def _entry(head: tuple[str, ...], row: tuple[str, ...]) -> Iterator[str]:
    """A row as a tagged paragraph: its first cell, what the second says, and the others with their heads."""
    yield ".TP"
    yield _guarded(_inline(row[0]))
    said = [row[1]] if row[1] else []
    said += [f"{title[0].upper()}{title[1:]}: {cell}" for title, cell in zip(head[2:], row[2:], strict=True) if cell]
    for number, text in enumerate(said):
        if number:
            yield ".br"
        yield from _filled(text)


def _filled(text: str) -> Iterator[str]:
    lines = wrap(_inline(text), _WIDTH, break_long_words=False, break_on_hyphens=False)
    yield from map(_guarded, lines)


def _guarded(line: str) -> str:
    """A line of text that begins like a request is none."""
    return rf"\&{line}" if line.startswith((".", "'")) else line


def _quoted(text: str) -> str:
    """The argument of a macro."""
    return '"' + _inline(text).replace('"', r"\(dq") + '"'


def _inline(text: str) -> str:
    return "".join(map(_span, spans(text)))


def _span(span: Plain | Literal | Link) -> str:
    match span:
        case Plain(text) | Link(text, _):
            return escape(text)
        case Literal(text):
            return rf"\fB{escape(text)}\fR"
